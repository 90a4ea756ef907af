package assay_test

import (
	"fmt"
	"strings"
	"testing"

	"assay"
)

func TestCompetencies(t *testing.T) {
	t.Parallel()
	all := assay.Competencies()
	if len(all) != 12 {
		t.Fatalf("%d competencies, want 12", len(all))
	}
	seen := map[string]string{}
	for i, c := range all {
		if want := fmt.Sprintf("C%d", i+1); c.ID != want {
			t.Errorf("competency %d is %s, want %s", i, c.ID, want)
		}
		if c.Name == "" || !strings.HasSuffix(c.Line, ".") || !strings.HasSuffix(c.Evidence, ".") {
			t.Errorf("%s lacks a name, or a line or evidence that is a sentence", c.ID)
		}
		for n, anchor := range c.Anchors {
			if !strings.HasSuffix(anchor, ".") {
				t.Errorf("%s anchor %d is not a sentence: %q", c.ID, n+1, anchor)
			}
			if other := seen[anchor]; other != "" {
				t.Errorf("%s shares an anchor with %s", c.ID, other)
			}
			seen[anchor] = c.ID
		}
		for _, level := range assay.Levels {
			if (c.ThreeAt[level] == "") != (level == assay.LevelSenior) {
				t.Errorf("%s: the 3 at %s: %q (senior's is the anchor itself, all others have their own)", c.ID, level, c.ThreeAt[level])
			}
		}
	}
}

func TestAnchorsAt(t *testing.T) {
	t.Parallel()
	c, ok := assay.FindCompetency("C5")
	if !ok {
		t.Fatal("no C5")
	}
	if got := c.AnchorsAt(assay.LevelSenior); got != c.Anchors {
		t.Errorf("at senior: %q", got)
	}
	junior := c.AnchorsAt(assay.LevelJunior)
	if junior[2] != c.ThreeAt[assay.LevelJunior] || junior[3] == c.Anchors[3] {
		t.Errorf("at junior: %q", junior)
	}
	if _, ok := assay.FindCompetency("C13"); ok {
		t.Error("C13 was found")
	}
	if got := assay.CompetencyName("C13"); got != "C13" {
		t.Errorf("name of an unknown id: %q", got)
	}
}

// A caller who sorts or filters its list must not change anybody else's.
func TestCompetenciesAreACopy(t *testing.T) {
	t.Parallel()
	assay.Competencies()[0] = assay.Competency{}
	if assay.Competencies()[0].ID != "C1" {
		t.Error("the shared list was changed through a caller's slice")
	}
}
