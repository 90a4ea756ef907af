package web

import (
	"testing"

	"assay"

	"github.com/google/go-cmp/cmp"
)

func TestCoverage(t *testing.T) {
	t.Parallel()
	got := coverage([]seat{
		{User: "usr_a", Participation: "interviewer", Focus: []string{"C5", "C2"}},
		{User: "usr_b", Participation: "interviewer", Focus: []string{"C5", "C2"}},
		{User: "usr_a", Participation: "interviewer", Focus: []string{"C8"}}, // the same person twice is still one
		{User: "usr_c", Participation: "shadow", Focus: []string{"C8"}},      // a shadow's card is no evidence
		{Focus: []string{"C10"}}, // an interview that nobody sits on yet
	})
	want := []coverageRow{
		{"C2", []assay.UserID{"usr_a", "usr_b"}},
		{"C5", []assay.UserID{"usr_a", "usr_b"}},
		{"C8", []assay.UserID{"usr_a"}},
		{"C10", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got[0].Thin() || !got[2].Thin() || !got[3].Thin() {
		t.Error("thin lines are those with fewer than two people")
	}
}
