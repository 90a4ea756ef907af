package assay

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

// Competency is one line that interviewers rate from 1 to 4. Anchors say what each number looks like at senior; a 3 means
// "meets the bar", and ThreeAt says what that bar is at every other level.
type Competency struct {
	ID       string           `json:"id"` // C1 … C12
	Name     string           `json:"name"`
	Line     string           `json:"line"`
	Evidence string           `json:"evidence"` // where it usually shows
	Anchors  [4]string        `json:"anchors"`  // for 1, 2, 3, 4; observable acts, written for senior
	ThreeAt  map[Level]string `json:"three_at"`
}

//go:embed competencies.json
var competenciesJSON []byte

var competencies = sync.OnceValue(func() []Competency {
	var all []Competency
	if err := json.Unmarshal(competenciesJSON, &all); err != nil {
		panic("competencies.json: " + err.Error())
	}
	return all
})

// Competencies lists all twelve, C1 first. The slice is the caller's own.
func Competencies() []Competency { return slices.Clone(competencies()) }

// FindCompetency returns the competency with the id, and whether there is one.
func FindCompetency(id string) (Competency, bool) {
	for _, c := range competencies() {
		if c.ID == id {
			return c, true
		}
	}
	return Competency{}, false
}

// CompetencyName is the name for an id, or the id itself when there is no such competency.
func CompetencyName(id string) string {
	if c, ok := FindCompetency(id); ok {
		return c.Name
	}
	return id
}

// AnchorsAt says what 1, 2, 3 and 4 mean at a level. Only the 3 is written for each level; around it the scale is the same
// everywhere, so the neighbours of a level's own 3 are said in general words and not borrowed from senior.
func (c Competency) AnchorsAt(level Level) [4]string {
	three, ok := c.ThreeAt[level]
	if !ok {
		return c.Anchors
	}
	return [4]string{
		"Well below the bar for " + string(level) + ".",
		"Below the bar for " + string(level) + ", with a gap that you can name.",
		three,
		"Clearly above the bar for " + string(level) + ".",
	}
}
