package web

import (
	"context"
	"fmt"
	"strings"

	"assay"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// workBody bounds a request that carries a candidate's files; what a question allows is checked file by file afterwards.
const workBody = 12 << 20

// candidateRoutes are the pages of whoever holds an invitation.
func (s *Server) candidateRoutes() []route {
	const sit = "/sit/:interview"
	const question = sit + "/questions/:position"
	const submission = sit + "/submissions/:submission"
	return []route{
		{method: "GET", path: "/i/:token", rule: public, handle: s.openInvitation},
		{method: "POST", path: "/i/:token/window", rule: public, handle: s.requestWindow},

		{method: "GET", path: sit, rule: candidate, handle: s.showSitting},
		{method: "GET", path: sit + "/notice", rule: candidate, handle: s.showNotice},
		{method: "POST", path: sit + "/window", rule: candidate, handle: s.askFromInvitation},
		{method: "POST", path: sit + "/start", rule: candidate, handle: s.startInterview},
		{method: "GET", path: sit + "/finish", rule: candidate, handle: s.showFinish},
		{method: "POST", path: sit + "/finish", rule: candidate, handle: s.finishInterview},
		{method: "GET", path: sit + "/work.zip", rule: candidate, handle: s.downloadWork},
		{method: "GET", path: sit + "/live", rule: candidate, handle: s.streamInterview},

		{method: "GET", path: question, rule: candidate, handle: s.showWorkspace},
		{method: "POST", path: question, rule: candidate, handle: s.handIn, body: workBody},
		{method: "PUT", path: question + "/draft", rule: candidate, handle: s.saveDraft, body: workBody},
		{method: "GET", path: question + "/data/*file", rule: candidate, handle: s.showDataFile},

		{method: "GET", path: submission, rule: candidate, handle: s.showOwnSubmission},
		{method: "POST", path: submission + "/cancel", rule: candidate, handle: s.cancelSubmission},
	}
}

// sitPath is a page of the candidate's within an interview: sitPath(i, "/questions/2").
func sitPath(i assay.InterviewID, rest string) string { return "/sit/" + string(i) + rest }

func isCandidatePath(c *gin.Context) bool {
	return strings.HasPrefix(c.Request.URL.Path, "/sit/") || strings.HasPrefix(c.Request.URL.Path, "/i/")
}

// admitCandidate lets a request into the interview named by :interview when the session holds a seat there, and the invitation
// behind the seat was not withdrawn.
func (s *Server) admitCandidate(c *gin.Context) error {
	ctx := c.Request.Context()
	id := assay.InterviewID(c.Param("interview"))
	seat, ok := auth.SeatIn(ctx, s.sessions, id)
	if !ok {
		return assay.Errorf(assay.Unauthenticated, "Open the link in your invitation again: it brings you back to where you were.")
	}
	interview, err := s.DB.Interview(ctx, id)
	if err != nil {
		return fmt.Errorf("load the interview of a seat: %w", err)
	}
	inv, err := s.seatHolds(ctx, interview, seat)
	if err != nil {
		return err
	}
	actor := assay.Actor{Candidate: seat.Candidate, Interview: id}
	if inv.ID != "" && assay.May(actor, assay.ActSitInterview, assay.Facts{Interview: interview.ID}) {
		c.Set(ginActor, actor)
		c.Set(ginInterview, interview)
		c.Set(ginInvitation, inv)
		return nil
	}
	auth.LeaveSeat(ctx, s.sessions, id)
	return assay.Errorf(assay.Unauthenticated, "This invitation was replaced. Open the newest link that you were sent; your work is still there.")
}

// seatHolds returns the invitation behind a seat while it holds, and the zero one once it was withdrawn. A cancelled interview
// withdraws its invitations, and its candidate may still read that it was cancelled.
func (s *Server) seatHolds(ctx context.Context, i assay.Interview, seat auth.Seat) (assay.Invitation, error) {
	invitations, err := s.DB.Invitations(ctx, i.ID)
	if err != nil {
		return assay.Invitation{}, fmt.Errorf("load the invitation of a seat: %w", err)
	}
	for _, inv := range invitations {
		if inv.ID == seat.Invitation && (inv.RevokedAt == nil || i.Status == assay.InterviewCancelled) {
			return inv, nil
		}
	}
	return assay.Invitation{}, nil
}

// interviewOf is the interview that admitCandidate let the request into.
func interviewOf(c *gin.Context) assay.Interview {
	v, _ := c.Get(ginInterview)
	i, _ := v.(assay.Interview)
	return i
}

func invitationOf(c *gin.Context) assay.Invitation {
	v, _ := c.Get(ginInvitation)
	i, _ := v.(assay.Invitation)
	return i
}

// candidateHead is the head of a candidate's page: the way home leads to their interview.
func candidateHead(i assay.Interview, title string) view.Head {
	return view.Head{Title: title, Home: sitPath(i.ID, "")}
}
