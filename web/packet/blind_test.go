package packet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"assay"
	"assay/web/packet"
)

// found lists the words that occur anywhere in a zip, in names or in contents, in any case.
func found(zip []byte, words ...string) (out []string) {
	low := strings.ToLower(string(zip))
	for _, w := range words {
		if strings.Contains(low, strings.ToLower(w)) {
			out = append(out, w)
		}
	}
	return out
}

var (
	candidateTraces = []string{"Imre", "Szalontai", "mail.example", "imre-szalontai", "github.com/imre", "/home/imre"}
	panelTraces     = []string{"Anneliese", "Brück", "Tomás", "Briain", "陈思源", "ليلى", "حداد", "Rafael", "Duarte", "Ngozi", "Okafor", "Vollmer", "Lindqvist", "corp.example"}
)

func TestBlindLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level  assay.BlindLevel
		hidden []string
		shown  []string
	}{
		{assay.BlindNothing, nil, []string{"Imre Szalontai", "Anneliese Brück", "陈思源", "ليلى حداد"}},
		{assay.BlindCandidate, candidateTraces, []string{"Anneliese Brück", "陈思源", "ليلى حداد", "uniform, not empty"}},
		{assay.BlindInterviewers, append(append([]string{}, candidateTraces...), panelTraces...), []string{"Interviewer A", "uniform, not empty"}},
		{assay.BlindQuestions, append(append([]string{"Fully masked rows stay finite", "np.exp", "hello from", "no_leak"}, candidateTraces...), panelTraces...), []string{"Interviewer A", "uniform, not empty"}},
	} {
		t.Run(string(c.level), func(t *testing.T) {
			t.Parallel()
			m := made(t, decided(c.level))
			if hits := found(m.Zip, c.hidden...); len(hits) > 0 {
				t.Errorf("the packet still says %q", hits)
			}
			for _, w := range c.shown {
				if !bytes.Contains(m.Zip, []byte(w)) {
					t.Errorf("the packet lost %q", w)
				}
			}
			if res := verified(t, m.Zip, signingKey()); res.State != packet.Intact {
				t.Errorf("%+v", res)
			}
			if c.level == assay.BlindInterviewers || c.level == assay.BlindQuestions {
				for _, day := range []string{"2026-03-02", "2026-03-03", "2026-03-04", "09:00"} {
					if bytes.Contains(m.Zip, []byte(day)) {
						t.Errorf("the packet still tells the date %s", day)
					}
				}
				if bytes.Contains(m.Zip, []byte("usr_0000")) {
					t.Error("the packet still has a user's id")
				}
			}
		})
	}
}

func TestPseudonymIsStable(t *testing.T) {
	t.Parallel()
	a, b := made(t, seeded(assay.BlindCandidate)).Doc.Candidate, made(t, seeded(assay.BlindInterviewers)).Doc.Candidate
	if a.Ref != b.Ref || a.DisplayName != nil || len(strings.Fields(a.Ref)) != 2 {
		t.Errorf("%+v, %+v", a, b)
	}
	other := seeded(assay.BlindCandidate)
	other.Packet.ID = "pkt_00000000000000000000000009"
	if c := made(t, other).Doc.Candidate; c.Ref == a.Ref {
		t.Error("two packets share a pseudonym")
	}
	named := seeded(assay.BlindCandidate) // whoever is called as a pseudonym's words gets other words
	named.Candidate.Name = a.Ref
	if c := made(t, named).Doc.Candidate; c.Ref == a.Ref {
		t.Error("the pseudonym is the name")
	}
}

// TestNamesOfAllKinds hides people whose names are hard to hide: other scripts, other spellings, ordinary words, shared surnames.
func TestNamesOfAllKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, mail string
		said       []string // in a comment, a file name and code
		hidden     []string
	}{
		{"Łukasz Żółć", "lukasz.zolc@x.example", []string{"Lukasz wrote", "ŁUKASZ", "zolc_net", "class ZolcNet", "lukaszzolc"}, []string{"lukasz", "łukasz", "zolc", "żółć"}},
		{"李雷", "leilei99@x.example", []string{"李雷写的", "leilei99"}, []string{"李雷", "leilei99"}},
		{"عمر الخيام", "omar@x.example", []string{"كتبه عمر الخيام", "omar did this"}, []string{"عمر", "الخيام", "omar"}},
		{"김철수", "kcs1988@x.example", []string{"김철수가 썼다", "kcs1988"}, []string{"김철수", "kcs1988"}},
		{"Jane Q. Doe", "jdoe@x.example", []string{"Doe, Jane", "JaneDoe", "doe_jane.py", "jdoe", "janedoe", "J\u200bane"}, []string{"jane", "doe ", "jdoe", "janedoe"}},
		{"José Peña-García", "jp@x.example", []string{"Jose Pena", "Garci\u0301a", "GARCIA"}, []string{"jose", "pena", "garcia", "garcía", "peña", "garci\u0301a"}},
		{"Zoë 🦊 Fox-Lane", "zoefox@x.example", []string{"Zoe F.", "zoë's idea", "zoefox"}, []string{"zoë", "zoe"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := seeded(assay.BlindCandidate)
			s.Candidate.Name, s.Candidate.Email = c.name, c.mail
			for i := range s.Scorecards {
				s.Scorecards[i].ReasonFor = strings.Join(c.said, "; ") + " and " + c.name + " " + c.mail
			}
			h := &s.Interviews[1].Asked[0].Handed[1]
			content := "# " + strings.Join(c.said, "\n# ") + "\n__author__ = \"" + c.name + "\"\n"
			h.Submission.Files = append(h.Submission.Files, stored(c.said[0]+".py", content))
			h.Files = append(h.Files, assay.File{Path: c.said[0] + ".py", Content: content})
			s.Interviews[1].Interview.Title = "Coding with " + c.name
			s.Opening.Title = "Role for " + c.name
			m := made(t, s)
			if hits := found(m.Zip, append(c.hidden, c.mail)...); len(hits) > 0 {
				low := strings.ToLower(string(m.Zip))
				at := strings.Index(low, strings.ToLower(hits[0]))
				t.Errorf("the packet still says %q: …%q…", hits, low[max(0, at-60):at+60])
			}
		})
	}
}

func TestOrdinaryWordsStayInCode(t *testing.T) {
	t.Parallel()
	s := seeded(assay.BlindCandidate)
	s.Candidate.Name, s.Candidate.Email = "Max Mean", "mm@x.example"
	s.Scorecards[0].ReasonFor = "Max takes the max of each row; Mean too."
	m := made(t, s)
	for _, e := range entries(t, m.Zip) {
		if strings.HasSuffix(e.Name, "attention.py") && !bytes.Contains(e.Data, []byte("x.max(axis=-1")) {
			t.Error("a pseudonym stands in the middle of the code")
		}
	}
	if !strings.Contains(m.Doc.Scorecards[3].ReasonFor, "takes the max of each row") || strings.Contains(m.Doc.Scorecards[3].ReasonFor, "Max") {
		t.Errorf("%q", m.Doc.Scorecards[3].ReasonFor)
	}
}

func TestSharedSurname(t *testing.T) {
	t.Parallel()
	s := seeded(assay.BlindCandidate)
	for i := range s.Users {
		if s.Users[i].ID == brueck {
			s.Users[i].Name = "Anneliese Szalontai"
		}
	}
	m := made(t, s)
	if hits := found(m.Zip, candidateTraces...); len(hits) > 0 {
		t.Errorf("the packet still says %q", hits)
	}
	if !bytes.Contains(m.HTML, []byte("Anneliese S.")) {
		t.Error("the colleague of the same name is not to be made out")
	}
}

// TestReidentificationBlocks plants a name where no rule looks, and the build must stop.
func TestReidentificationBlocks(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(s *packet.Snapshot){
		"in the build": func(s *packet.Snapshot) { s.Build = "built-for-szalontai" },
		"in a seed":    func(s *packet.Snapshot) { s.Interviews[1].Asked[0].Item.Seed = "Szalontai" },
	} {
		s := seeded(assay.BlindCandidate)
		plant(&s)
		_, err := packet.Make(s, signingKey())
		if assay.ErrorCode(err) != assay.Invalid || !strings.Contains(fmt.Sprint(err), "hidden person") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "szalontai") {
			t.Error("the refusal itself names the person")
		}
	}
}
