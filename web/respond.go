package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// page answers with body inside the shell that every page shares. It renders to a buffer first, so a page is whole or an error.
func (s *Server) page(c *gin.Context, head view.Head, body view.Component) error {
	return s.pageStatus(c, http.StatusOK, head, body)
}

// invalidPage shows a form again with what was entered and what is wrong with it: 422.
func (s *Server) invalidPage(c *gin.Context, head view.Head, body view.Component) error {
	return s.pageStatus(c, http.StatusUnprocessableEntity, head, body)
}

func (s *Server) pageStatus(c *gin.Context, status int, head view.Head, body view.Component) error {
	return s.render(c, status, view.Page(s.frame(c, head), body))
}

// render answers with a component as it is, without the shell: for fragments.
func (s *Server) render(c *gin.Context, status int, body view.Component) error {
	b, err := s.fragment(c, body)
	if err != nil {
		return err
	}
	c.Data(status, "text/html; charset=utf-8", b)
	return nil
}

// fragment renders a component to bytes.
func (s *Server) fragment(c *gin.Context, body view.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := view.Render(c.Request.Context(), &b, nonceOf(c.Request.Context()), body); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return b.Bytes(), nil
}

// redirect sends the browser on with 303. A note, when given, is shown once on the next page.
func (s *Server) redirect(c *gin.Context, to string, note ...string) error {
	if len(note) > 0 {
		s.note(c, "success", strings.Join(note, " "))
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// note leaves a message that the next page shows: kind is success, info, warning or danger.
func (s *Server) note(c *gin.Context, kind, text string) {
	s.sessions.Put(c.Request.Context(), "note", kind+"|"+text)
}

// json answers a script of ours.
func (s *Server) json(c *gin.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	c.Data(status, "application/json; charset=utf-8", b)
	return nil
}

// download sends bytes as a file to keep.
func (s *Server) download(c *gin.Context, name, contentType string, b []byte) error {
	c.Header("Content-Disposition", `attachment; filename="`+strings.Map(plainName, name)+`"`)
	c.Data(http.StatusOK, contentType, b)
	return nil
}

func plainName(r rune) rune {
	if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '/' {
		return '_'
	}
	return r
}

// frame is what surrounds a page: who looks at it, where they may go, what was just done.
func (s *Server) frame(c *gin.Context, head view.Head) view.Frame {
	ctx := c.Request.Context()
	f := view.Frame{Head: head, Nonce: nonceOf(ctx), Build: s.Build, Path: c.Request.URL.Path, Back: c.Request.URL.RequestURI(), Contact: s.Contact}
	if c.Request.Method != http.MethodGet {
		f.Back = "/"
	}
	f.Theme, f.Text = readPreferences(c.Request)
	if u := userOf(c); u.ID != "" {
		f.Viewer = view.Viewer{Name: u.Name, SignedIn: true}
		if !u.MustChange {
			f.Nav = staffNav(actorOf(c))
		}
	}
	if !head.Bare {
		f.Flash = s.takeNote(c)
	}
	return f
}

func (s *Server) takeNote(c *gin.Context) *view.Flash {
	v := s.sessions.PopString(c.Request.Context(), "note")
	kind, text, ok := strings.Cut(v, "|")
	if !ok {
		return nil
	}
	return &view.Flash{Kind: kind, Text: text}
}

// fail is the only place where an error becomes a status and a page. Errors of ours are logged here, once.
func (s *Server) fail(c *gin.Context, err error) {
	ctx := c.Request.Context()
	if ctx.Err() != nil && c.Writer.Written() {
		return // the reader went away
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		err = assay.Errorf(assay.TooLarge, "The request has more than %s. Nothing of it was stored; what was saved before is still there.", view.Bytes(tooLong.Limit))
	}
	code := assay.ErrorCode(err)
	status := statusOf(code)
	log := s.Log.With("request_id", requestID(ctx), "path", logPath(c.Request.URL.Path))
	switch {
	case errors.Is(err, errMustChange):
	case status >= 500:
		log.Error("request failed", "error", err)
	default:
		log.Debug("request refused", "code", code, "error", err)
	}
	if c.Writer.Written() {
		return
	}
	if wantsJSON(c) {
		if errors.Is(err, errMustChange) {
			status, code = http.StatusForbidden, assay.Forbidden
		}
		s.problem(c, status, code, err)
		return
	}
	switch {
	case errors.Is(err, errMustChange):
		_ = s.redirect(c, "/password")
		return
	case code == assay.Unauthenticated && isCandidatePath(c):
		// A candidate has no account to sign in with: their link is the way in.
	case code == assay.Unauthenticated && c.Request.Method == http.MethodGet:
		c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(c.Request.URL.RequestURI()))
		return
	}
	page := view.Failure{Status: status, Message: assay.ErrorMessage(err), Fields: assay.ErrorFields(err), Kept: keptFor(code), Do: adviceFor(code),
		Reference: requestID(ctx), Back: backOf(c), Contact: s.Contact}
	if rerr := s.pageStatus(c, status, view.Head{Title: titleFor(code), Lead: ""}, view.FailurePage(page)); rerr != nil {
		log.Error("the error page failed too", "error", rerr)
		c.String(status, "%s\nReference: %s\n", assay.ErrorMessage(err), requestID(ctx))
	}
}

// problem is an error for a script (RFC 9457).
func (s *Server) problem(c *gin.Context, status int, code assay.Code, err error) {
	b, _ := json.Marshal(map[string]any{
		"status": status, "code": code, "title": titleFor(code), "detail": assay.ErrorMessage(err), "fields": assay.ErrorFields(err), "reference": requestID(c.Request.Context()),
	})
	c.Data(status, "application/problem+json", b)
}

// wantsJSON says that a script called, not a person following a link. Our scripts say so in Accept.
func wantsJSON(c *gin.Context) bool {
	a := c.GetHeader("Accept")
	return strings.Contains(a, "json") && !strings.Contains(a, "text/html")
}

// backOf is the page of ours that the request came from, if the browser told us.
func backOf(c *gin.Context) string {
	u, err := url.Parse(c.GetHeader("Referer"))
	if err != nil || u.Host != c.Request.Host || u.Path == "" || u.Path == c.Request.URL.Path && c.Request.Method == http.MethodGet {
		return ""
	}
	return u.RequestURI()
}

func statusOf(code assay.Code) int {
	switch code {
	case assay.Invalid:
		return http.StatusUnprocessableEntity
	case assay.Unauthenticated:
		return http.StatusUnauthorized
	case assay.Forbidden:
		return http.StatusForbidden
	case assay.NotFound:
		return http.StatusNotFound
	case assay.Conflict:
		return http.StatusConflict
	case assay.TooLarge:
		return http.StatusRequestEntityTooLarge
	case assay.RateLimited:
		return http.StatusTooManyRequests
	case assay.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func titleFor(code assay.Code) string {
	switch code {
	case assay.Invalid:
		return "That could not be accepted"
	case assay.Unauthenticated:
		return "Not signed in"
	case assay.Forbidden:
		return "Not open to you"
	case assay.NotFound:
		return "Not found"
	case assay.Conflict:
		return "Something changed meanwhile"
	case assay.TooLarge:
		return "Too large"
	case assay.RateLimited:
		return "Too many tries"
	case assay.Unavailable:
		return "Waiting for a part of the system"
	}
	return "Something went wrong on our side"
}

func keptFor(code assay.Code) string {
	switch code {
	case assay.NotFound, assay.Forbidden, assay.Unauthenticated, assay.RateLimited:
		return ""
	case assay.Conflict:
		return "Both versions exist: what is stored, and what you just sent from your page. Go back to see yours."
	case assay.Internal, assay.Unavailable:
		return "What was saved before is still there. The last step may not have been carried out; doing it again is safe."
	}
	return "Nothing was changed. What you entered is still on the page you came from."
}

func adviceFor(code assay.Code) string {
	switch code {
	case assay.NotFound:
		return "The address may be mistyped, or what it named may not exist any more."
	case assay.Forbidden:
		return "If you think this should be open to you, ask the person who invited you or an administrator."
	case assay.RateLimited:
		return "Wait a little, then try again."
	case assay.Conflict:
		return "Reload the page to see what changed, then decide which version should stay."
	case assay.Internal, assay.Unavailable:
		return "Try again in a moment. If it happens again, tell us the reference below."
	}
	return "Go back, change what is named above, and send it again."
}
