package web

import (
	"slices"

	"assay"
)

// seats is who looks at what in a loop: one seat per panelist and interview, with the kit's focus.
type seat struct {
	User          assay.UserID
	Participation string
	Focus         []string
}

// coverageRow says who sees one competency in a loop.
type coverageRow struct {
	Competency string
	Users      []assay.UserID
}

// Thin says that one person's word would decide this line.
func (r coverageRow) Thin() bool { return len(r.Users) < 2 }

// coverage lists the competencies that a loop's interviews focus on and the distinct interviewers who see each. A shadow's
// scorecard is not evidence, so shadows do not count.
func coverage(seats []seat) []coverageRow {
	var rows []coverageRow
	for _, c := range assay.Competencies() {
		asked := false
		row := coverageRow{Competency: c.ID}
		for _, s := range seats {
			if !slices.Contains(s.Focus, c.ID) {
				continue
			}
			asked = true
			if s.User != "" && s.Participation != "shadow" && !slices.Contains(row.Users, s.User) {
				row.Users = append(row.Users, s.User)
			}
		}
		if asked {
			rows = append(rows, row)
		}
	}
	return rows
}
