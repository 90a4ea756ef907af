package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// cardBody is how many bytes a scorecard may carry: twelve comments and the sentences at their longest, encoded.
const cardBody = 1 << 20

// staffRoutes are the pages of people with an account. What a handler shows beyond its rule, such as colleagues' scorecards, is
// asked of assay.May again, with the facts of that very loop.
func (s *Server) staffRoutes() []route {
	return slices.Concat(s.panelRoutes(), s.recruitingRoutes(), s.committeeRoutes(), s.houseRoutes())
}

// panelRoutes are an interviewer's: an interview as its panel meets it.
func (s *Server) panelRoutes() []route {
	const panel = "/panel/:interview"
	return []route{
		{method: "GET", path: "/home", rule: signedIn, handle: s.showHome}, // lists what the person owes, which is their own
		{method: "GET", path: panel, rule: mayOn(assay.ActSeeWork, inInterview), handle: s.showPrepare},
		{method: "GET", path: panel + "/live", rule: mayOn(assay.ActSeeWork, inInterview), handle: s.showLive},
		{method: "GET", path: panel + "/work", rule: mayOn(assay.ActSeeWork, inInterview), handle: s.showWork},
		{method: "POST", path: panel + "/results", rule: mayOn(assay.ActSeeWork, inInterview), handle: s.openResults},
		{method: "POST", path: panel + "/comments", rule: mayOn(assay.ActComment, inInterview), handle: s.addComment},
		{method: "GET", path: panel + "/scorecard", rule: mayOn(assay.ActWriteScorecard, inInterview), handle: s.showScorecard},
		{method: "POST", path: panel + "/scorecard", rule: mayOn(assay.ActWriteScorecard, inInterview), handle: s.saveScorecard, body: cardBody},
		{method: "POST", path: panel + "/scorecard/amendments", rule: mayOn(assay.ActWriteScorecard, inInterview), handle: s.amendScorecard, body: cardBody},
	}
}

// recruitingRoutes arrange openings, kits, loops, interviews and panels.
func (s *Server) recruitingRoutes() []route {
	manage := may(assay.ActManageLoop)
	const loop, schedule = "/loops/:loop", "/schedule/:interview"
	return []route{
		{method: "GET", path: "/board", rule: mayOn(assay.ActRequestPacket, inOwnOpenings), handle: s.showBoard},
		{method: "GET", path: "/openings", rule: manage, handle: s.showOpenings},
		{method: "POST", path: "/openings", rule: manage, handle: s.createOpening},
		{method: "POST", path: "/openings/:opening/close", rule: manage, handle: s.closeOpening},
		{method: "GET", path: "/kits", rule: manage, handle: s.showKits},
		{method: "GET", path: "/kits/new", rule: manage, handle: s.showKitForm},
		{method: "POST", path: "/kits", rule: manage, handle: s.createKit},
		{method: "GET", path: "/kits/:kit", rule: may(assay.ActReadBank), handle: s.showKit},

		{method: "GET", path: "/loops/new", rule: manage, handle: s.showNewLoop},
		{method: "POST", path: "/loops", rule: manage, handle: s.createLoop},
		{method: "GET", path: loop, rule: mayOn(assay.ActSeeLoop, inLoop), handle: s.showLoop},
		{method: "POST", path: loop + "/committee", rule: manage, handle: s.setCommittee},
		{method: "GET", path: loop + "/interviews/new", rule: manage, handle: s.showNewInterview},
		{method: "POST", path: loop + "/interviews", rule: manage, handle: s.createInterview},
		{method: "GET", path: loop + "/scorecards", rule: mayOn(assay.ActSeeScores, inLoop), handle: s.showCards},

		{method: "GET", path: schedule, rule: manage, handle: s.showSchedule},
		{method: "POST", path: schedule + "/invitations", rule: manage, handle: s.invite},
		{method: "POST", path: schedule + "/panel", rule: manage, handle: s.setPanelist},
		{method: "POST", path: schedule + "/panel/:user/remove", rule: manage, handle: s.removePanelist},
		{method: "POST", path: schedule + "/panel/:user/waive", rule: manage, handle: s.waiveScorecard},
		{method: "POST", path: schedule + "/extend", rule: manage, handle: s.extendTime},
		{method: "POST", path: schedule + "/cancel", rule: manage, handle: s.cancelInterview},
	}
}

// committeeRoutes read packets, vote and decide.
func (s *Server) committeeRoutes() []route {
	const loop, packet = "/loops/:loop", "/loops/:loop/packets/:packet"
	return []route{
		{method: "GET", path: "/committee", rule: mayOn(assay.ActVote, onOwnCases), handle: s.showAgenda},
		{method: "GET", path: loop + "/case", rule: mayOn(assay.ActReadPacket, inLoop), handle: s.showCase},
		{method: "POST", path: loop + "/packets", rule: mayOn(assay.ActRequestPacket, inLoop), handle: s.requestPacket},
		{method: "GET", path: packet, rule: mayOn(assay.ActReadPacket, inLoop), handle: s.showPacket},
		{method: "GET", path: packet + "/read", rule: mayOn(assay.ActReadPacket, inLoop), handle: s.readPacket},
		{method: "GET", path: packet + "/download", rule: mayOn(assay.ActReadPacket, inLoop), handle: s.downloadPacket},
		{method: "POST", path: loop + "/votes", rule: mayOn(assay.ActVote, inLoop), handle: s.castVote},
		{method: "POST", path: loop + "/decisions", rule: mayOn(assay.ActDecide, inLoop), handle: s.recordDecision},
	}
}

// houseRoutes are the bank and the administration.
func (s *Server) houseRoutes() []route {
	return []route{
		{method: "GET", path: "/bank", rule: may(assay.ActReadBank), handle: s.showBank},
		{method: "GET", path: "/bank/:slug", rule: may(assay.ActReadBank), handle: s.showQuestion},
		{method: "GET", path: "/admin/people", rule: may(assay.ActManageUsers), handle: s.showPeople},
		{method: "POST", path: "/admin/people", rule: may(assay.ActManageUsers), handle: s.createUser},
		{method: "POST", path: "/admin/people/:user/roles", rule: may(assay.ActManageUsers), handle: s.setRoles},
		{method: "POST", path: "/admin/people/:user/password", rule: may(assay.ActManageUsers), handle: s.resetPassword},
		{method: "POST", path: "/admin/people/:user/disable", rule: may(assay.ActManageUsers), handle: s.disableUser},
		{method: "GET", path: "/admin/health", rule: may(assay.ActSeeHealth), handle: s.showHealth},
		{method: "POST", path: "/admin/health/regrade", rule: may(assay.ActSeeHealth), handle: s.regrade},
		{method: "POST", path: "/admin/health/audit", rule: may(assay.ActSeeHealth), handle: s.verifyAudit},
		{method: "GET", path: "/admin/policy", rule: may(assay.ActSeeHealth), handle: s.showPolicy},
	}
}

// inOwnOpenings: the page lists only loops of the person's own openings, so for a hiring manager the fact holds by construction.
func inOwnOpenings(*Server, *gin.Context, assay.Actor) (assay.Facts, error) {
	return assay.Facts{HiringManager: true}, nil
}

// onOwnCases: the page lists only cases that the person is named on; each one closed by a scorecard they owe says so and no more.
func onOwnCases(*Server, *gin.Context, assay.Actor) (assay.Facts, error) {
	return assay.Facts{OnCommittee: true}, nil
}

// staffHome is where a person lands after signing in.
func staffHome(a assay.Actor) string {
	if nav := staffNav(a); len(nav) > 0 {
		return nav[0].Href
	}
	return "/home"
}

// staffNav is the navigation of a person with an account, by their roles.
func staffNav(a assay.Actor) []view.NavItem {
	var nav []view.NavItem
	add := func(group, label, href string) {
		nav = append(nav, view.NavItem{Group: group, Label: label, Href: href})
	}
	if a.Has(assay.RoleInterviewer) {
		add("Interviews", "Home", "/home")
	}
	if a.Has(assay.RoleRecruiter) || a.Has(assay.RoleHiringManager) {
		add("Recruiting", "Board", "/board")
	}
	if a.Has(assay.RoleRecruiter) {
		add("Recruiting", "Openings", "/openings")
		add("Recruiting", "Kits", "/kits")
	}
	if a.Has(assay.RoleCommittee) {
		add("Deciding", "Committee", "/committee")
	}
	if assay.May(a, assay.ActReadBank, assay.Facts{}) {
		add("Bank", "Questions", "/bank")
	}
	if assay.May(a, assay.ActManageUsers, assay.Facts{}) {
		add("Administration", "People", "/admin/people")
		add("Administration", "Health", "/admin/health")
		add("Administration", "Policy", "/admin/policy")
	}
	return nav
}

// showHome is what the person owes: sittings to come, and scorecards of those that are over.
func (s *Server) showHome(c *gin.Context) error {
	actor, now := actorOf(c), s.Now()
	owed, err := s.DB.Owed(c.Request.Context(), actor.User)
	if err != nil {
		return fmt.Errorf("list what is owed: %w", err)
	}
	p := view.HomePage{Now: now}
	for _, o := range owed {
		d := view.Duty{Interview: o.Interview, Candidate: o.Candidate.Name, Role: view.RoleLine(o.Opening), Due: o.Panelist.DueAt}
		if o.Scorecard != nil {
			d.Card = o.Scorecard.Status
		}
		if sittingOver(o.Interview, now) {
			p.Scorecards = append(p.Scorecards, d)
		} else {
			p.Interviews = append(p.Interviews, d)
		}
	}
	slices.SortStableFunc(p.Scorecards, func(a, b view.Duty) int { return a.Due.Compare(b.Due) })
	slices.SortStableFunc(p.Interviews, func(a, b view.Duty) int { return a.Interview.WindowStart.Compare(b.Interview.WindowStart) })
	return s.page(c, view.Head{Title: "Home", Lead: homeLead(p)}, view.HomeContent(p))
}

func homeLead(p view.HomePage) string {
	if len(p.Scorecards) == 0 {
		return "Nothing due."
	}
	late := 0
	for _, d := range p.Scorecards {
		if d.Late(p.Now) > 0 {
			late++
		}
	}
	lead := plural(len(p.Scorecards), "scorecard", "scorecards") + " to write"
	if late > 0 {
		lead += ", " + plural(late, "of them late", "of them late")
	}
	return lead + "."
}

// sittingOver says that an interview has ended, or can no longer begin.
func sittingOver(i assay.Interview, now time.Time) bool {
	switch i.Status {
	case assay.InterviewOpen:
		return !i.Accepts(now)
	case assay.InterviewScheduled:
		return now.After(i.WindowEnd)
	}
	return true
}

func plural(n int, one, many string) string { return view.Plural(n, one, many) }

// people are the names of accounts by id.
type people map[assay.UserID]assay.User

func (s *Server) people(ctx context.Context) (people, error) {
	users, err := s.DB.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("load people: %w", err)
	}
	out := make(people, len(users))
	for _, u := range users {
		out[u.ID] = u
	}
	return out, nil
}

func (p people) name(id assay.UserID) string {
	if u, ok := p[id]; ok {
		return u.Name
	}
	return "somebody who left"
}

// with lists the active accounts that hold a role, by name, as options.
func (p people) with(role assay.Role) []view.Option {
	var out []view.Option
	for _, u := range p {
		if u.Has(role) && u.DisabledAt == nil {
			out = append(out, view.Option{Value: string(u.ID), Label: u.Name, Hint: u.Email})
		}
	}
	slices.SortFunc(out, func(a, b view.Option) int {
		if a.Label != b.Label {
			return compareText(a.Label, b.Label)
		}
		return compareText(a.Value, b.Value)
	})
	return out
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// seats says of each person on an interview's panel how far their scorecard is. It never looks into one: what is still owed is
// known, and who owes nothing has submitted.
func (s *Server) seats(ctx context.Context, i assay.Interview, who people) ([]view.PanelSeat, error) {
	panel, err := s.DB.Panel(ctx, i.ID)
	if err != nil {
		return nil, fmt.Errorf("load the panel of %s: %w", i.ID, err)
	}
	var out []view.PanelSeat
	for _, p := range panel {
		seat := view.PanelSeat{User: p.UserID, Name: who.name(p.UserID), Panelist: p}
		if p.WaivedReason == "" && i.Status != assay.InterviewCancelled {
			owed, err := s.DB.Owed(ctx, p.UserID)
			if err != nil {
				return nil, fmt.Errorf("ask what %s owes: %w", p.UserID, err)
			}
			seat.Submitted = true
			for _, o := range owed {
				if o.Interview.ID == i.ID {
					seat.Submitted, seat.Started = false, o.Scorecard != nil
				}
			}
		}
		out = append(out, seat)
	}
	return out, nil
}

// competenciesOf are the competencies with these ids, in the order of the ids.
func competenciesOf(ids []string) []assay.Competency {
	var out []assay.Competency
	for _, id := range ids {
		if c, ok := assay.FindCompetency(id); ok {
			out = append(out, c)
		}
	}
	return out
}

func competencyNames(ids []string) []string {
	var out []string
	for _, c := range competenciesOf(ids) {
		out = append(out, c.Name)
	}
	return out
}

// formWhen reads a date and a time and writes it back in UTC, which is how a form that comes back expects it.
func formWhen(f *form, field string) time.Time {
	t := f.when(field)
	if !t.IsZero() {
		f.Values.Set(field, view.WhenValue(t))
	}
	return t
}

// optionalNumber is a whole number, or fallback when nothing was entered.
func optionalNumber(f *form, field string, min, max, fallback int) int {
	if f.text(field, 20) == "" {
		return fallback
	}
	return f.number(field, min, max)
}

func positive(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
