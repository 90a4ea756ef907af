package web

import (
	"fmt"
	"net/http"

	"assay"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// openInvitation turns the secret in the link into a seat in the interview and leaves the secret behind at once. Opening the link
// again resumes.
func (s *Server) openInvitation(c *gin.Context) error {
	ctx := c.Request.Context()
	inv, interview, err := s.invitation(c)
	if err != nil {
		return err
	}
	now := s.Now()
	if trouble := linkTrouble(inv, interview, now.After(inv.ExpiresAt), now.After(interview.WindowEnd)); trouble != "" {
		page := view.LinkPage{Trouble: trouble, Token: c.Param("token"), Title: interview.Title, Asked: inv.RequestedAt != nil, Contact: s.Contact}
		if trouble == "revoked" {
			page.Title = ""
		}
		return s.pageStatus(c, http.StatusGone, view.Head{Title: view.LinkTitle(trouble)}, view.LinkTroublePage(page))
	}
	if inv.OpenedAt == nil {
		if err := s.DB.VisitInvitation(ctx, inv.ID); err != nil {
			return fmt.Errorf("note that an invitation was opened: %w", err)
		}
	}
	if err := auth.TakeSeat(ctx, s.sessions, auth.Seat{Interview: interview.ID, Invitation: inv.ID, Candidate: interview.CandidateID}); err != nil {
		return err
	}
	return s.redirect(c, sitPath(interview.ID, ""))
}

// linkTrouble says what is wrong with a link: revoked, cancelled or expired; "" when it lets in. A candidate who has started, or
// has finished, is let in whatever the date on the link.
func linkTrouble(inv assay.Invitation, i assay.Interview, linkOver, windowOver bool) string {
	switch {
	case i.Status == assay.InterviewCancelled: // which withdraws its invitations as well
		return "cancelled"
	case inv.RevokedAt != nil:
		return "revoked"
	case i.Status == assay.InterviewScheduled && (linkOver || windowOver):
		return "expired"
	}
	return ""
}

// invitation finds what the token in the path belongs to. An unknown token has a page of its own.
func (s *Server) invitation(c *gin.Context) (assay.Invitation, assay.Interview, error) {
	ctx, token := c.Request.Context(), c.Param("token")
	unknown := &assay.Error{Code: assay.NotFound, Message: "We do not know this invitation link. It may have been cut off when it was copied: use the whole link from your mail."}
	if !auth.TokenForm(token) {
		return assay.Invitation{}, assay.Interview{}, unknown
	}
	inv, err := s.DB.InvitationByToken(ctx, auth.HashToken(token))
	if assay.ErrorCode(err) == assay.NotFound {
		return inv, assay.Interview{}, unknown
	} else if err != nil {
		return inv, assay.Interview{}, fmt.Errorf("find an invitation: %w", err)
	}
	interview, err := s.DB.Interview(ctx, inv.InterviewID)
	if err != nil {
		return inv, interview, fmt.Errorf("load the interview of an invitation: %w", err)
	}
	return inv, interview, nil
}

// requestWindow passes on that a candidate asks for another time. It works with an expired link, since that is when one asks.
func (s *Server) requestWindow(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	inv, interview, err := s.invitation(c)
	if err != nil {
		return err
	}
	if inv.RevokedAt != nil {
		return assay.Errorf(assay.Conflict, "This link was replaced by a newer one. Please use that one.")
	}
	if interview.Status == assay.InterviewOpen || interview.Status == assay.InterviewClosed {
		return s.redirect(c, "/i/"+c.Param("token"))
	}
	if err := s.passOn(c, f, inv); err != nil {
		return err
	}
	return s.page(c, view.Head{Title: "Your request is on its way"}, view.WindowAskedPage(interview.Title, s.Contact))
}

// askFromInvitation is the same from the page of the invitation, where the secret of the link is not at hand any more.
func (s *Server) askFromInvitation(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	i := interviewOf(c)
	if i.Status != assay.InterviewScheduled {
		return s.redirect(c, sitPath(i.ID, ""))
	}
	if err := s.passOn(c, f, invitationOf(c)); err != nil {
		return err
	}
	return s.redirect(c, sitPath(i.ID, ""), "Your request has been passed on. The person who invited you will write to you.")
}

func (s *Server) passOn(c *gin.Context, f *form, inv assay.Invitation) error {
	if !s.door.Allow("window", string(inv.ID), c.ClientIP()) {
		return assay.Errorf(assay.RateLimited, "Your request has already been passed on.")
	}
	note := f.text("note", 1000)
	if err := f.err(); err != nil {
		return err
	}
	if err := s.DB.RequestWindow(c.Request.Context(), inv.ID, note); err != nil {
		return fmt.Errorf("pass on the request for a new window: %w", err)
	}
	return nil
}
