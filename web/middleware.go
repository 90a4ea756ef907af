package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"assay"
	"assay/web/auth"

	"github.com/gin-gonic/gin"
)

// defaultBody is how many bytes a request may carry when its route says nothing.
const defaultBody = 256 << 10

// Keys of what a request carries in its context. Dependencies are never among them.
type contextKey int

const (
	keyRequestID contextKey = iota
	keyNonce
)

const (
	ginActor      = "actor"
	ginUser       = "user"
	ginInterview  = "interview"
	ginInvitation = "invitation"
)

// observe gives each request an id, logs its end, and turns a panic into a 500 that is logged with its stack.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		r = r.WithContext(context.WithValue(r.Context(), keyRequestID, id))
		w.Header().Set("X-Request-Id", id)
		rec := &recorder{ResponseWriter: w}
		began := time.Now()
		defer func() {
			level := slog.LevelInfo
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.Log.Error("panic while answering", "request_id", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, "Something went wrong on our side. Nothing you entered is lost; go back and try again. Reference: "+id, http.StatusInternalServerError)
				}
			}
			if strings.HasPrefix(r.URL.Path, "/static/") || r.URL.Path == "/healthz" {
				level = slog.LevelDebug
			}
			s.Log.Log(r.Context(), level, "request", "request_id", id, "method", r.Method, "path", logPath(r.URL.Path), "status", rec.status,
				"bytes", rec.bytes, "took", time.Since(began))
		}()
		next.ServeHTTP(rec, r)
	})
}

// logPath is the path without the secret that an invitation link carries.
func logPath(p string) string {
	if strings.HasPrefix(p, "/i/") {
		return "/i/…"
	}
	return p
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// flusher makes the session manager's writer acceptable to gin, whose Flush asserts http.Flusher.
type flusher struct{ http.ResponseWriter }

func (f flusher) Flush()                      { _ = http.NewResponseController(f.ResponseWriter).Flush() }
func (f flusher) Unwrap() http.ResponseWriter { return f.ResponseWriter }

func withFlusher(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Flusher); !ok {
			w = flusher{w}
		}
		next.ServeHTTP(w, r)
	})
}

// protect refuses requests that another site's page sent, and sends the headers that keep a page to itself.
func (s *Server) protect(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.BaseURL); err == nil && u.Host != "" {
		// Behind a proxy that ends TLS the Host may differ from what the browser sees.
		_ = cross.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "This request came from another site, so it was not carried out. Open the page here and try again.", http.StatusForbidden)
	}))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := rand.Text()
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy(nonce))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
		h.Set("Cache-Control", "no-store")
		if s.SecureCookies {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyNonce, nonce)))
	})
}

func contentPolicy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// guard is a route's handler behind its rule.
func (s *Server) guard(rt route) gin.HandlerFunc {
	limit := rt.body
	if limit == 0 {
		limit = defaultBody
	}
	return s.wrap(func(c *gin.Context) error {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
		if err := s.admit(c, rt.rule); err != nil {
			return err
		}
		return rt.handle(c)
	})
}

// wrap is where the errors of handlers stop.
func (s *Server) wrap(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.fail(c, err)
		}
	}
}

// admit recognises the caller and applies the rule. On return without error the actor is known to the handler.
func (s *Server) admit(c *gin.Context, r rule) error {
	ctx := c.Request.Context()
	if r.kind == ruleCandidate {
		return s.admitCandidate(c)
	}
	user, err := s.signedInUser(ctx)
	if err != nil {
		return err
	}
	actor := assay.Actor{User: user.ID, Roles: user.Roles}
	c.Set(ginActor, actor)
	c.Set(ginUser, user)
	switch {
	case r.kind == rulePublic:
		return nil
	case actor.Anonymous():
		return assay.Errorf(assay.Unauthenticated, "Please sign in first.")
	case user.MustChange && c.Request.URL.Path != "/password":
		return errMustChange
	case r.kind == ruleSignedIn:
		return nil
	case r.kind == ruleAct:
		facts, err := r.facts(s, c, actor)
		if err != nil {
			return err
		}
		if !assay.May(actor, r.act, facts) {
			return assay.Errorf(assay.Forbidden, "%s", forbidden(r.act, facts))
		}
		return nil
	}
	return assay.Errorf(assay.Forbidden, "This page is not open to you.")
}

// forbidden says why not, in words that help and reveal nothing.
func forbidden(act assay.Act, f assay.Facts) string {
	if f.OwesScorecard {
		switch act {
		case assay.ActReadScorecard, assay.ActSeeScores, assay.ActReadPacket, assay.ActVote, assay.ActDecide:
			return "You still owe a scorecard here. What others judged opens once you have submitted your own."
		}
	}
	return "Your roles do not open this page. Ask an administrator if you think they should."
}

var errMustChange = errors.New("password must be changed first")

// signedInUser is the account that the session belongs to; the zero User when there is none (any more).
func (s *Server) signedInUser(ctx context.Context) (assay.User, error) {
	id, mark := auth.SignedIn(ctx, s.sessions, s.Now())
	if id == "" {
		return assay.User{}, nil
	}
	user, err := s.DB.User(ctx, id)
	if assay.ErrorCode(err) == assay.NotFound {
		return assay.User{}, nil
	} else if err != nil {
		return assay.User{}, fmt.Errorf("load the signed-in user: %w", err)
	}
	if user.DisabledAt != nil || mark != auth.Mark(user.PasswordHash) {
		return assay.User{}, nil
	}
	return user, nil
}

// actor is whoever calls, as admit recognised them.
func actorOf(c *gin.Context) assay.Actor {
	a, _ := c.Get(ginActor)
	actor, _ := a.(assay.Actor)
	return actor
}

// userOf is the signed-in account, zero for candidates and strangers.
func userOf(c *gin.Context) assay.User {
	u, _ := c.Get(ginUser)
	user, _ := u.(assay.User)
	return user
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(keyRequestID).(string)
	return id
}

func nonceOf(ctx context.Context) string {
	n, _ := ctx.Value(keyNonce).(string)
	return n
}
