package web

import (
	"fmt"
	"slices"

	"assay"
	"assay/questions"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showBank lists the bank. It is read only: questions are changed in git, where their history and review are.
func (s *Server) showBank(c *gin.Context) error {
	used, err := s.DB.QuestionUse(c.Request.Context())
	if err != nil {
		return fmt.Errorf("count the use of questions: %w", err)
	}
	all := s.Bank.Questions()
	p := view.BankPage{Filter: bankFilterOf(c.Request.URL.Query()), Total: len(all)}
	for _, q := range all {
		if passesFilter(p.Filter, q) {
			p.Rows = append(p.Rows, view.BankRow{Question: q, Used: used[q.Slug]})
		}
	}
	slices.SortStableFunc(p.Rows, func(a, b view.BankRow) int { return compareText(a.Question.Title, b.Question.Title) })
	return s.page(c, view.Head{Title: "Questions", Lead: "The bank as it stands. Questions are written and changed as folders in git.", Wide: true}, view.BankContent(p))
}

func (s *Server) showQuestion(c *gin.Context) error {
	slug := c.Param("slug")
	public, err := s.Bank.Public(slug)
	if err != nil {
		return err
	}
	staff, err := s.Bank.Staff(slug)
	if err != nil {
		return err
	}
	used, err := s.DB.QuestionUse(c.Request.Context())
	if err != nil {
		return fmt.Errorf("count the use of questions: %w", err)
	}
	p := view.QuestionPage{Question: public.Question, Statement: s.prose.HTML(public.Statement), Starter: public.Starter, Checks: staff.Checks,
		Solutions: staffSolutions(staff), Used: used[slug]}
	if staff.Rubric != "" {
		p.Rubric = s.prose.HTML(staff.Rubric)
	}
	if staff.Notes != "" {
		p.Notes = s.prose.HTML(staff.Notes)
	}
	return s.page(c, view.Head{Title: public.Question.Title, Lead: public.Question.Summary, Crumbs: []view.Crumb{{Label: "Questions", Href: "/bank"}}}, view.QuestionContent(p))
}

func staffSolutions(staff questions.Staff) []view.StaffSolution {
	var out []view.StaffSolution
	for _, sol := range staff.Solutions {
		out = append(out, view.StaffSolution{Name: sol.Name, Verdict: sol.Verdict, Note: sol.Note, Files: editableOnly(sol.Files)})
	}
	return out
}

// editableOnly leaves out what every solution has from the starter.
func editableOnly(files []assay.File) []assay.File {
	var out []assay.File
	for _, f := range files {
		if !f.ReadOnly {
			out = append(out, f)
		}
	}
	return out
}
