package web

import (
	"testing"
	"time"

	"assay"
)

func TestLintNoteToNext(t *testing.T) {
	t.Parallel()
	for note, clean := range map[string]bool{
		"": true,
		"Ask how the split was made; we had no time for group leakage.": true,
		"Probe restart after a crash, and what they would log.":         true,
		"I would hire.":                            false,
		"Weak on numerics, look there.":            false,
		"Seems STRONG in data work.":               false,
		"A 3/4 from me on C5.":                     false,
		"They failed the hidden check; ask again.": false,
		"Hiring manager asked about travel.":       false,
	} {
		if got := lintNoteToNext(note); (got == "") != clean {
			t.Errorf("%q: %q", note, got)
		}
	}
}

func TestLintComment(t *testing.T) {
	t.Parallel()
	c, _ := assay.FindCompetency("C5")
	for comment, clean := range map[string]bool{
		"":                                     true,
		"Very smart, fast":                     false,
		"Went to a great school and it shows.": false,
		"Halved the pipeline by replacing the loader with constants, 14:20.":    true,
		"edits at random, restarts, does not read the trace or curve":           false,
		"Edits at random at first (train.py 41), then wrote a one-batch probe.": true,
	} {
		if got := lintComment(comment, c.Anchors); (got == "") != clean {
			t.Errorf("%q: %q", comment, got)
		}
	}
}

func TestLintScorecardNamesFields(t *testing.T) {
	t.Parallel()
	c, _ := assay.FindCompetency("C2")
	got := lintScorecard(assay.Scorecard{
		ReasonFor:  "So smart.",
		NoteToNext: "strong",
		Ratings:    []assay.Rating{{Competency: "C2", Score: 3, Comment: c.ThreeAt[assay.LevelMid]}},
	}, assay.LevelMid)
	for _, field := range []string{"reason_for", "note_to_next", "rating.C2"} {
		if got[field] == "" {
			t.Errorf("no warning for %s in %v", field, got)
		}
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":               0,
		"Yes. Yes. Yes.": 0,
		"The split was by user. It held. Two of three raters saw it too!":                                                                  2,
		"All three raters saw the leak found. The service met its budget at load. The open question is scale, which the role needs later.": 3,
	} {
		if got := sentences(text); got != want {
			t.Errorf("%q: %d sentences, want %d", text, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-30 * time.Minute:     "30 minutes",
		time.Minute:           "1 minute",
		25 * time.Hour:        "25 hours",
		49 * time.Hour:        "2 days",
		-100 * 24 * time.Hour: "100 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
