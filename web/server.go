// Package web is the pages: it knows rows and files, never containers. A request finds its route and the rule that guards it in
// routes.go, its handler in the file named after what is shown, and its answer in respond.go, the only place where an error
// becomes a status.
package web

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"assay"
	"assay/questions"
	"assay/storage"
	"assay/storage/blob"
	"assay/web/auth"
	"assay/web/static"
	"assay/web/view/prose"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
)

// Server answers requests. Its exported fields are set once, before Handler is called.
type Server struct {
	DB    *storage.DB
	Bank  *questions.Bank
	Blobs blob.Store
	Log   *slog.Logger
	Now   func() time.Time // nil: DB.Now

	// BaseURL is how people outside reach the server, e.g. https://assay.example.org; links in invitations start with it.
	// Empty: taken from the request.
	BaseURL string
	Build   string
	// Contact is whom a person turns to when something does not work: a mail address or a sentence.
	Contact string
	// SecureCookies must be set whenever people reach the server by HTTPS.
	SecureCookies bool
	// TrustedProxies are the addresses whose X-Forwarded-For counts when login attempts are limited by address.
	TrustedProxies []string
	// PacketKeys are the public keys, as printed, that packets of this server are signed with.
	PacketKeys []string

	once     sync.Once
	sessions *scs.SessionManager
	door     *auth.Door
	prose    *prose.Renderer
	stop     chan struct{}
	stopOnce sync.Once
	streams  listeners
	credits  sync.Mutex
	starts   sync.Map // assay.AttemptID → time.Time, see began
}

// Handler builds the tree of routes. It panics when a route has no rule, so that such a server never starts.
func (s *Server) Handler() http.Handler {
	s.setup()

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RemoveExtraSlash = true
	if err := r.SetTrustedProxies(s.TrustedProxies); err != nil {
		panic("web: trusted proxies: " + err.Error())
	}
	for _, rt := range s.routes() {
		r.Handle(rt.method, rt.path, s.guard(rt))
	}
	r.NoRoute(s.wrap(func(*gin.Context) error { return assay.Errorf(assay.NotFound, "There is no such page.") }))
	r.NoMethod(s.wrap(func(*gin.Context) error {
		return assay.Errorf(assay.NotFound, "This page does not take that kind of request.")
	}))

	app := s.protect(s.sessions.LoadAndSave(withFlusher(r)))
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.Handle("/", app)
	return s.observe(mux)
}

// Stop ends the streams that are open, so that a shutdown need not wait for people to close their tabs. They reconnect by themselves.
func (s *Server) Stop() {
	s.setup()
	s.stopOnce.Do(func() { close(s.stop) })
}

func (s *Server) setup() {
	s.once.Do(func() {
		if s.Log == nil {
			s.Log = slog.New(slog.DiscardHandler)
		}
		if s.Now == nil {
			s.Now = s.DB.Now
		}
		s.stop = make(chan struct{})
		s.sessions = auth.NewSessions(s.DB.Sessions(), s.SecureCookies)
		s.door = &auth.Door{Log: s.Log, Now: s.Now, Ledger: ledger{s.DB}}
		formulas, _ := static.Source("server/math.js") // without it formulas show their source
		s.prose = prose.New(s.Log, formulas)
	})
}
