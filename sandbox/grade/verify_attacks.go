package grade

import (
	"embed"
	"path"
	"strings"

	"assay"
	"assay/questions"
)

// attacks/*.py are entry files that fit any question: they answer to every name. none of them may earn more than the starter may.
// The kinds of question that each is for are in its first line, "# for: call train".
//
//go:embed attacks/*.py
var attackFiles embed.FS

type attack struct{ name, source string }

// genericAttacks are those for the question's interface.
func genericAttacks(p *questions.Package) []attack {
	var out []attack
	entries, err := attackFiles.ReadDir("attacks")
	if err != nil {
		panic("sandbox/grade: the embedded attacks cannot be read: " + err.Error())
	}
	if path.Ext(p.Public.Question.Entry) != ".py" {
		return nil
	}
	var ids []string
	for _, c := range p.Checks {
		ids = append(ids, `"`+c.ID+`"`)
	}
	for _, e := range entries {
		b, err := attackFiles.ReadFile("attacks/" + e.Name())
		if err != nil {
			panic("sandbox/grade: the embedded attacks cannot be read: " + err.Error())
		}
		first, rest, _ := strings.Cut(string(b), "\n")
		if fits(first, p.Public.Question.Interface) {
			source := strings.ReplaceAll(rest, `"CHECKS"`, strings.Join(ids, ", "))
			out = append(out, attack{strings.TrimSuffix(e.Name(), ".py"), source})
		}
	}
	return out
}

func fits(first string, iface assay.Interface) bool {
	list, ok := strings.CutPrefix(first, "# for: ")
	if !ok {
		return false
	}
	for _, word := range strings.Fields(list) {
		if word == string(iface) || word == "all" {
			return true
		}
	}
	return false
}
