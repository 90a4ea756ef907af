package web

import (
	"fmt"
	"strings"

	"assay"
	"assay/web/auth"

	"github.com/gin-gonic/gin"
)

// candidateRoutes are the pages of whoever holds an invitation.
func (s *Server) candidateRoutes() []route {
	return []route{}
}

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
	invitations, err := s.DB.Invitations(ctx, id)
	if err != nil {
		return fmt.Errorf("load the invitation of a seat: %w", err)
	}
	for _, inv := range invitations {
		if inv.ID == seat.Invitation && inv.RevokedAt == nil {
			actor := assay.Actor{Candidate: seat.Candidate, Interview: id}
			if !assay.May(actor, assay.ActSitInterview, assay.Facts{Interview: id}) {
				break
			}
			c.Set(ginActor, actor)
			c.Set(ginInterview, interview)
			return nil
		}
	}
	auth.LeaveSeat(ctx, s.sessions, id)
	return assay.Errorf(assay.Unauthenticated, "This invitation was replaced. Open the newest link that you were sent; your work is still there.")
}

// interviewOf is the interview that admitCandidate let the request into.
func interviewOf(c *gin.Context) assay.Interview {
	v, _ := c.Get(ginInterview)
	i, _ := v.(assay.Interview)
	return i
}
