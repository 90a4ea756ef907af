package web

import (
	"fmt"
	"slices"
	"strings"

	"assay"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

var peopleHead = view.Head{Title: "People", Lead: "Accounts and what they may do.", Wide: true}

func (s *Server) showPeople(c *gin.Context) error {
	p, err := s.peoplePage(c)
	if err != nil {
		return err
	}
	return s.page(c, peopleHead, view.PeopleContent(p))
}

func (s *Server) peoplePage(c *gin.Context) (view.PeoplePage, error) {
	users, err := s.DB.Users(c.Request.Context())
	if err != nil {
		return view.PeoplePage{}, fmt.Errorf("list people: %w", err)
	}
	slices.SortStableFunc(users, func(a, b assay.User) int {
		if (a.DisabledAt == nil) != (b.DisabledAt == nil) {
			if a.DisabledAt == nil {
				return -1
			}
			return 1
		}
		return compareText(a.Name, b.Name)
	})
	return view.PeoplePage{Now: s.Now(), Me: actorOf(c).User, Users: users}, nil
}

// createUser makes an account with a one-time password. The page is the answer itself, so the password is shown this once and in no
// address or log.
func (s *Server) createUser(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	u := assay.User{Name: f.required("name", 120), Email: f.email("email"), Roles: choices(f, "roles", assay.Roles), MustChange: true}
	if len(u.Roles) == 0 {
		f.wrong("roles", "Choose at least one role; without any there is nothing to do here.")
	}
	password := auth.OneTimePassword()
	if f.err() == nil {
		if u.PasswordHash, err = auth.HashPassword(password); err != nil {
			return err
		}
		err := s.DB.CreateUser(c.Request.Context(), actorOf(c), &u)
		switch {
		case assay.ErrorCode(err) == assay.Conflict:
			f.wrong("email", "There is an account with this mail address already.")
		case err != nil && !f.take(err):
			return fmt.Errorf("create account: %w", err)
		}
	}
	p, err := s.peoplePage(c)
	if err != nil {
		return err
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, peopleHead, view.PeopleContent(p))
	}
	p.Password = &view.OneTime{Name: u.Name, Email: u.Email, Password: password}
	return s.page(c, peopleHead, view.PeopleContent(p))
}

func (s *Server) setRoles(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	id := assay.UserID(c.Param("user"))
	roles := choices(f, "roles", assay.Roles)
	if id == actorOf(c).User && !slices.Contains(roles, assay.RoleAdmin) {
		f.wrong("roles", "You cannot take the admin role from yourself; another admin can.")
	}
	if f.err() == nil {
		if err := s.DB.SetRoles(c.Request.Context(), actorOf(c), id, roles); err != nil && !f.take(err) {
			return fmt.Errorf("set roles: %w", err)
		}
	}
	if f.err() != nil {
		p, err := s.peoplePage(c)
		if err != nil {
			return err
		}
		p.Form, p.Editing = f.Form, id
		return s.invalidPage(c, peopleHead, view.PeopleContent(p))
	}
	return s.redirect(c, "/admin/people", "The roles are saved and apply at once.")
}

func (s *Server) resetPassword(c *gin.Context) error {
	ctx, id := c.Request.Context(), assay.UserID(c.Param("user"))
	user, err := s.DB.User(ctx, id)
	if err != nil {
		return err
	}
	password := auth.OneTimePassword()
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	if err := s.DB.SetPassword(ctx, actorOf(c), id, hash, true); err != nil {
		return fmt.Errorf("set a one-time password: %w", err)
	}
	if id == actorOf(c).User { // the session ends with the old password
		return s.redirect(c, "/login")
	}
	p, err := s.peoplePage(c)
	if err != nil {
		return err
	}
	p.Password = &view.OneTime{Name: user.Name, Email: user.Email, Password: password}
	return s.page(c, peopleHead, view.PeopleContent(p))
}

func (s *Server) disableUser(c *gin.Context) error {
	id := assay.UserID(c.Param("user"))
	if id == actorOf(c).User {
		return assay.Errorf(assay.Conflict, "You cannot disable your own account; another admin can.")
	}
	if err := s.DB.DisableUser(c.Request.Context(), actorOf(c), id); err != nil {
		return fmt.Errorf("disable account: %w", err)
	}
	return s.redirect(c, "/admin/people", "The account is disabled. What the person wrote stays in the record.")
}

var healthHead = view.Head{Title: "Health", Lead: "Whether work flows, and whether the record is whole."}

func (s *Server) showHealth(c *gin.Context) error {
	p, err := s.healthPage(c)
	if err != nil {
		return err
	}
	return s.page(c, healthHead, view.HealthContent(p))
}

func (s *Server) healthPage(c *gin.Context) (view.HealthPage, error) {
	h, err := s.DB.Health(c.Request.Context())
	if err != nil {
		return view.HealthPage{}, fmt.Errorf("ask for health: %w", err)
	}
	return view.HealthPage{Now: s.Now(), Queued: h.Queued, Running: h.Running, Stuck: h.Stuck, Failures: h.LastFailures}, nil
}

// regrade starts a new attempt at a submission that we could not grade; the earlier attempts stay in the record.
func (s *Server) regrade(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	if err := s.DB.Regrade(c.Request.Context(), actorOf(c), assay.SubmissionID(f.Values.Get("submission"))); err != nil {
		return err
	}
	return s.redirect(c, "/admin/health", "It is being graded again.")
}

func (s *Server) verifyAudit(c *gin.Context) error {
	broken, err := s.DB.VerifyAudit(c.Request.Context())
	if err != nil && broken == 0 {
		return fmt.Errorf("check the audit chain: %w", err)
	}
	p, err := s.healthPage(c)
	if err != nil {
		return err
	}
	if p.Chain = "ok"; broken != 0 {
		p.Chain, p.Broken = "broken", broken
	}
	return s.page(c, healthHead, view.HealthContent(p))
}

func (s *Server) showPolicy(c *gin.Context) error {
	return s.page(c, view.Head{Title: "Policy", Lead: "Who may do what.", Wide: true}, view.PolicyContent(view.PolicyPage{Rows: policyRows()}))
}

// policyRows asks assay.May itself what each role needs for each act, so that the page cannot say anything else than the rule.
func policyRows() []view.PolicyRow {
	var rows []view.PolicyRow
	for _, act := range assay.Acts {
		row := view.PolicyRow{Act: act, Words: actWords[act]}
		for _, role := range assay.Roles {
			row.Cells = append(row.Cells, needs(assay.Actor{User: "usr_a", Roles: []assay.Role{role}}, act))
		}
		rows = append(rows, view.PolicyRow{Act: row.Act, Words: row.Words, Cells: append(row.Cells, needs(assay.Actor{Candidate: "cand_a", Interview: "int_a"}, act))})
	}
	return rows
}

// needs says in words under which facts an actor may do an act: "" never.
func needs(a assay.Actor, act assay.Act) string {
	others := assay.UserID("usr_b")
	full := assay.Facts{Interview: "int_a", OnPanel: true, OnCommittee: true, HiringManager: true, Author: others, Submitted: true}
	own := assay.Facts{Author: a.User}
	switch {
	case act == assay.ActReadScorecard && a.User != "" && !assay.May(a, act, full):
		if assay.May(a, act, own) {
			return "their own"
		}
		return ""
	case !assay.May(a, act, full):
		return ""
	}
	var conditions []string
	if a.Candidate != "" {
		return "in their own interview"
	}
	for _, cond := range []struct {
		words  string
		remove func(*assay.Facts)
	}{
		{"on the panel", func(f *assay.Facts) { f.OnPanel = false }},
		{"named on the case", func(f *assay.Facts) { f.OnCommittee = false }},
		{"for own openings", func(f *assay.Facts) { f.HiringManager = false }},
		{"once submitted", func(f *assay.Facts) { f.Submitted = false }},
		{"owing no scorecard there", func(f *assay.Facts) { f.OwesScorecard = true }},
	} {
		f := full
		if cond.remove(&f); !assay.May(a, act, f) {
			conditions = append(conditions, cond.words)
		}
	}
	if len(conditions) == 0 {
		return "yes"
	}
	return strings.Join(conditions, ", ")
}

// actWords spells the acts out.
var actWords = map[assay.Act]string{
	assay.ActSitInterview:   "Sit an interview",
	assay.ActSeeWork:        "See the work and its hidden results",
	assay.ActComment:        "Comment on lines",
	assay.ActWriteScorecard: "Write a scorecard",
	assay.ActReadScorecard:  "Read a colleague’s scorecard",
	assay.ActSeeScores:      "See scores side by side",
	assay.ActSeeLoop:        "See a loop",
	assay.ActManageLoop:     "Arrange openings, kits, loops, panels",
	assay.ActRequestPacket:  "Request a packet",
	assay.ActReadPacket:     "Read a packet",
	assay.ActVote:           "Vote",
	assay.ActDecide:         "Record a decision",
	assay.ActReadBank:       "Read the bank",
	assay.ActManageUsers:    "Manage accounts",
	assay.ActSeeHealth:      "See the system’s health",
}
