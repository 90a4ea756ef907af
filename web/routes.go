package web

import (
	"fmt"
	"slices"

	"assay"

	"github.com/gin-gonic/gin"
)

// handler answers one request. What it returns, if anything, becomes a status and a page in fail.
type handler func(c *gin.Context) error

// route is one line of the list of everything that this server answers.
type route struct {
	method string
	path   string
	rule   rule
	handle handler
	body   int64 // bytes a request may carry; 0: defaultBody
}

// rule says who may call a route. The zero rule lets nobody in and does not start.
type rule struct {
	kind  ruleKind
	act   assay.Act
	facts factsOf
}

type ruleKind int

const (
	ruleMissing ruleKind = iota
	rulePublic
	ruleSignedIn
	ruleCandidate
	ruleAct
)

// factsOf gathers what the answer of assay.May depends on, mostly from an id in the path.
type factsOf func(s *Server, c *gin.Context, actor assay.Actor) (assay.Facts, error)

var (
	// public: anybody, recognised or not.
	public = rule{kind: rulePublic}
	// signedIn: any account that is not disabled and has set its own password.
	signedIn = rule{kind: ruleSignedIn}
	// candidate: whoever holds the invitation to the interview named by :interview.
	candidate = rule{kind: ruleCandidate, act: assay.ActSitInterview}
)

// may asks the policy for an act that needs no facts beyond the roles.
func may(act assay.Act) rule { return mayOn(act, noFacts) }

// mayOn asks the policy for an act on what the path names: mayOn(assay.ActSeeLoop, inLoop).
func mayOn(act assay.Act, facts factsOf) rule { return rule{kind: ruleAct, act: act, facts: facts} }

func noFacts(*Server, *gin.Context, assay.Actor) (assay.Facts, error) { return assay.Facts{}, nil }

// inLoop reads the facts of the loop named by :loop.
func inLoop(s *Server, c *gin.Context, actor assay.Actor) (assay.Facts, error) {
	return s.DB.LoopFacts(c.Request.Context(), actor, assay.LoopID(c.Param("loop")))
}

// inInterview reads the facts of the interview named by :interview.
func inInterview(s *Server, c *gin.Context, actor assay.Actor) (assay.Facts, error) {
	return s.DB.InterviewFacts(c.Request.Context(), actor, assay.InterviewID(c.Param("interview")))
}

func (s *Server) routes() []route {
	all := slices.Concat(s.commonRoutes(), s.candidateRoutes(), s.staffRoutes())
	checkRoutes(all)
	return all
}

// checkRoutes panics over a route that nobody may be sure who may call.
func checkRoutes(all []route) {
	seen := map[string]bool{}
	for _, rt := range all {
		name := rt.method + " " + rt.path
		switch {
		case rt.handle == nil:
			panic(fmt.Sprintf("web: %s has no handler", name))
		case rt.rule.kind == ruleMissing:
			panic(fmt.Sprintf("web: %s has no rule: say who may call it", name))
		case rt.rule.kind == ruleAct && (rt.rule.facts == nil || !slices.Contains(assay.Acts, rt.rule.act)):
			panic(fmt.Sprintf("web: %s asks the policy for an act that it does not know: %q", name, rt.rule.act))
		case seen[name]:
			panic(fmt.Sprintf("web: %s is listed twice", name))
		}
		seen[name] = true
	}
}

// commonRoutes are those that belong to nobody in particular.
func (s *Server) commonRoutes() []route {
	return []route{
		{method: "GET", path: "/healthz", rule: public, handle: s.showHealthz},
		{method: "GET", path: "/favicon.ico", rule: public, handle: s.showFavicon},
		{method: "GET", path: "/", rule: public, handle: s.showFront},
		{method: "GET", path: "/help", rule: public, handle: s.showHelp},
		{method: "GET", path: "/accessibility", rule: public, handle: s.showAccessibility},
		{method: "POST", path: "/preferences", rule: public, handle: s.setPreferences},
		{method: "GET", path: "/login", rule: public, handle: s.showLogin},
		{method: "POST", path: "/login", rule: public, handle: s.logIn},
		{method: "POST", path: "/logout", rule: public, handle: s.logOut},
		{method: "GET", path: "/password", rule: signedIn, handle: s.showPassword},
		{method: "POST", path: "/password", rule: signedIn, handle: s.changePassword},
	}
}
