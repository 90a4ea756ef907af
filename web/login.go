package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"assay"
	"assay/storage"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// ledger is the part of storage that the door needs.
type ledger struct{ *storage.DB }

func (s *Server) showLogin(c *gin.Context) error {
	if u := userOf(c); u.ID != "" {
		return s.redirect(c, safeNext(c.Query("next"), staffHome(actorOf(c))))
	}
	return s.page(c, loginHead, view.LoginPage(view.Login{Next: c.Query("next")}))
}

var loginHead = view.Head{Title: "Sign in", Lead: "For people who interview and decide. Candidates use the link in their invitation."}

func (s *Server) logIn(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	email, password, next := f.email("email"), f.Values.Get("password"), f.Values.Get("next")
	if password == "" {
		f.wrong("password", "Please fill this in.")
	}
	f.Values.Del("password")
	if f.err() != nil {
		return s.invalidPage(c, loginHead, view.LoginPage(view.Login{Form: f.Form, Next: next}))
	}
	ctx := c.Request.Context()
	user, err := s.door.Enter(ctx, email, password, c.ClientIP())
	switch assay.ErrorCode(err) {
	case "":
	case assay.Unauthenticated, assay.RateLimited:
		if wantsJSON(c) {
			return err
		}
		return s.pageStatus(c, statusOf(assay.ErrorCode(err)), loginHead, view.LoginPage(view.Login{Form: f.Form, Next: next, Problem: assay.ErrorMessage(err)}))
	default:
		return err
	}
	if err := auth.SignIn(ctx, s.sessions, user, s.Now()); err != nil {
		return err
	}
	if user.MustChange {
		return s.redirect(c, "/password")
	}
	return s.redirect(c, safeNext(next, staffHome(assay.Actor{User: user.ID, Roles: user.Roles})))
}

func (s *Server) logOut(c *gin.Context) error {
	if err := auth.SignOut(c.Request.Context(), s.sessions); err != nil {
		return err
	}
	return s.redirect(c, "/login", "You are signed out.")
}

func (s *Server) showPassword(c *gin.Context) error {
	return s.page(c, passwordHead(userOf(c)), view.PasswordPage(view.Password{Email: userOf(c).Email, OneTime: userOf(c).MustChange}))
}

func passwordHead(u assay.User) view.Head {
	if u.MustChange {
		return view.Head{Title: "Choose your password", Lead: "The one you were given works once. From now on you use one that only you know."}
	}
	return view.Head{Title: "Change your password", Lead: "Sessions on other devices end when you change it."}
}

func (s *Server) changePassword(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx, user := c.Request.Context(), userOf(c)
	current, chosen, again := f.Values.Get("current"), f.Values.Get("chosen"), f.Values.Get("again")
	f.Values = url.Values{}
	if !s.door.Allow("password", string(user.ID), c.ClientIP()) {
		return assay.Errorf(assay.RateLimited, "There were too many tries. Wait a minute, then try again.")
	}
	if !auth.CheckPassword(current, user.PasswordHash) {
		f.wrong("current", "This is not the password you signed in with.")
	}
	if fault := auth.JudgePassword(chosen, user); fault != "" {
		f.wrong("chosen", "%s", fault)
	} else if chosen == current {
		f.wrong("chosen", "This is the password you have already.")
	}
	if chosen != again {
		f.wrong("again", "The two do not match.")
	}
	if f.err() != nil {
		return s.invalidPage(c, passwordHead(user), view.PasswordPage(view.Password{Form: f.Form, Email: user.Email, OneTime: user.MustChange}))
	}
	hash, err := auth.HashPassword(chosen)
	if err != nil {
		return err
	}
	actor := actorOf(c)
	if err := s.DB.SetPassword(ctx, actor, user.ID, hash, false); err != nil {
		return err
	}
	user.PasswordHash = hash
	if err := auth.SignIn(ctx, s.sessions, user, s.Now()); err != nil {
		return err
	}
	return s.redirect(c, staffHome(actor), "Your password is changed.")
}

// showFront sends people on to where they belong; a stranger learns what this is.
func (s *Server) showFront(c *gin.Context) error {
	if u := userOf(c); u.ID != "" {
		if u.MustChange {
			return s.redirect(c, "/password")
		}
		return s.redirect(c, staffHome(actorOf(c)))
	}
	return s.page(c, view.Head{Title: "Interviews for people who build machine learning", NoHeading: true}, view.FrontPage())
}

func (s *Server) showHelp(c *gin.Context) error {
	return s.page(c, view.Head{Title: "Help", Lead: "How things work here, and whom to ask."}, view.HelpPage(s.Contact))
}

func (s *Server) showAccessibility(c *gin.Context) error {
	return s.page(c, view.Head{Title: "Accessibility"}, view.AccessibilityPage(s.Contact))
}

func (s *Server) showHealthz(c *gin.Context) error {
	if err := s.DB.Ping(c.Request.Context()); err != nil {
		return errors.Join(assay.Errorf(assay.Unavailable, "The database does not answer."), err)
	}
	c.String(http.StatusOK, "ok\n")
	return nil
}

func (s *Server) showFavicon(c *gin.Context) error {
	c.Header("Cache-Control", "public, max-age=86400")
	c.Data(http.StatusOK, "image/svg+xml", []byte(favicon))
	return nil
}

const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><rect x="1" y="1" width="18" height="18" rx="4" fill="#1a1f29"/>` +
	`<path d="M5 14 L10 5 L15 14 M7 10.6 H13" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>`

// setPreferences keeps the theme and the text size in cookies, so that the first paint is already right.
func (s *Server) setPreferences(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	for name, allowed := range map[string]string{"theme": "light dark", "text": "large larger"} {
		v := f.Values.Get(name)
		age := 365 * 24 * 3600
		if v == "" || !strings.Contains(" "+allowed+" ", " "+v+" ") {
			v, age = "", -1
		}
		http.SetCookie(c.Writer, &http.Cookie{Name: name, Value: v, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.SecureCookies, SameSite: http.SameSiteLaxMode})
	}
	return s.redirect(c, safeNext(f.Values.Get("back"), "/"))
}

func readPreferences(r *http.Request) (theme, text string) {
	if k, err := r.Cookie("theme"); err == nil && (k.Value == "light" || k.Value == "dark") {
		theme = k.Value
	}
	if k, err := r.Cookie("text"); err == nil && (k.Value == "large" || k.Value == "larger") {
		text = k.Value
	}
	return theme, text
}

// safeNext is a path of ours to go on to, or the fallback: never another site's address.
func safeNext(next, fallback string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return fallback
	}
	return next
}
