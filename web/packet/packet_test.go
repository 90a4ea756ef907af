package packet_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay"
	"assay/web/packet"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func made(t *testing.T, s packet.Snapshot) packet.Made {
	t.Helper()
	m, err := packet.Make(s, signingKey())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (run with -update when that is meant):\n%s", name, d)
	}
}

func TestGolden(t *testing.T) {
	m := made(t, decided(assay.BlindNothing))
	golden(t, "files.golden", []byte(strings.Join(m.Files, "\n")+"\n"))
	golden(t, "packet.golden.json", m.JSON)
	golden(t, "packet.golden.html", m.HTML)
	blind := made(t, seeded(assay.BlindCandidate))
	golden(t, "blind.golden.json", blind.JSON)
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	for _, level := range []assay.BlindLevel{assay.BlindNothing, assay.BlindCandidate, assay.BlindInterviewers, assay.BlindQuestions} {
		first := made(t, decided(level))
		for range 3 {
			if again := made(t, decided(level)); !bytes.Equal(first.Zip, again.Zip) || first.Digest != again.Digest {
				t.Errorf("%s: the same snapshot gave other bytes", level)
			}
		}
		shuffled := decided(level)
		slices.Reverse(shuffled.Interviews)
		slices.Reverse(shuffled.Scorecards)
		slices.Reverse(shuffled.Users)
		slices.Reverse(shuffled.Audit)
		for i := range shuffled.Interviews {
			slices.Reverse(shuffled.Interviews[i].Panel)
			for j := range shuffled.Interviews[i].Asked {
				for k := range shuffled.Interviews[i].Asked[j].Handed {
					slices.Reverse(shuffled.Interviews[i].Asked[j].Handed[k].Comments)
				}
			}
		}
		if again := made(t, shuffled); !bytes.Equal(first.Zip, again.Zip) {
			t.Errorf("%s: the order in which rows arrive shows in the bytes", level)
		}
	}
}

func TestMakeLeavesTheSnapshotAlone(t *testing.T) {
	t.Parallel()
	for _, level := range []assay.BlindLevel{assay.BlindNothing, assay.BlindInterviewers} {
		s := decided(level)
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		made(t, s)
		if after, _ := json.Marshal(s); !bytes.Equal(before, after) {
			t.Errorf("%s: the snapshot was changed", level)
		}
	}
}

// TestNeverInAPacket greps every byte for what no packet holds, however it was asked for.
func TestNeverInAPacket(t *testing.T) {
	t.Parallel()
	for _, level := range []assay.BlindLevel{assay.BlindNothing, assay.BlindCandidate, assay.BlindInterviewers, assay.BlindQuestions} {
		zip := made(t, decided(level)).Zip // stored, not compressed
		for _, never := range []string{"a private note", "a shadow", "shadow quote", "a draft", "harness secret trace", "15m0s", "time_credited", `"extension"`, "anneliese.brueck@corp.example"} {
			if bytes.Contains(zip, []byte(never)) {
				t.Errorf("%s: the packet holds %q", level, never)
			}
		}
	}
}

func TestMissingScorecardsAreStated(t *testing.T) {
	t.Parallel()
	m := made(t, seeded(assay.BlindNothing))
	for _, want := range []string{"1 scorecard has not been handed in: Ngozi Okafor.", "Ill since the interview", "in focus, but nobody scored it", "1 minute 35 s for waiting for a free grader",
		"Too few to say.", "There was nothing to review.", "No decision has been recorded"} {
		if !strings.Contains(strings.ToLower(string(m.HTML)), strings.ToLower(strings.ReplaceAll(want, "'", "&#39;"))) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if m.Doc.Decision != nil || m.Doc.Packet.Status != "for_decision" {
		t.Error("a decision where none was recorded")
	}
	if n := len(m.Doc.Process.Credits); n != 1 || m.Doc.Process.Credits[0].Seconds != 95 {
		t.Errorf("credits = %+v; an extension may be an accommodation and is never listed", m.Doc.Process.Credits)
	}
}

func TestEmptyLoop(t *testing.T) {
	t.Parallel()
	s := packet.Snapshot{Packet: assay.Packet{ID: "pkt_1", LoopID: "loop_1", RequestedAt: t0, Blind: assay.BlindCandidate}, Loop: assay.Loop{ID: "loop_1"}, Candidate: assay.Candidate{ID: "cand_1", Name: "X"}}
	m := made(t, s)
	if !bytes.Contains(m.HTML, []byte("nothing to lay side by side yet")) {
		t.Error("an empty loop has no brief that says so")
	}
	res := verified(t, m.Zip, signingKey())
	if res.State != packet.Intact {
		t.Errorf("%+v", res)
	}
}

func TestHugeInputsAreBounded(t *testing.T) {
	t.Parallel()
	s := seeded(assay.BlindNothing)
	big := strings.Repeat("x = 1  # a line of code\n", 40_000)
	h := &s.Interviews[1].Asked[0].Handed[1]
	h.Submission.Files, h.Files = nil, nil
	for i := range 64 {
		name := fmt.Sprintf("f%02d.py", i)
		h.Submission.Files = append(h.Submission.Files, stored(name, big))
		h.Files = append(h.Files, assay.File{Path: name, Content: big})
	}
	h.Attempt.PublicLog = strings.Repeat("flood\n", 1<<20)
	rep := h.Attempt.Report
	for i := range 200_000 {
		s := &rep.Series
		if len(*s) == 0 {
			*s = []assay.Series{{Name: "loss"}}
		}
		(*s)[0].X, (*s)[0].Y = append((*s)[0].X, float64(i)), append((*s)[0].Y, assay.Float(float64(i%977)))
	}
	(*(&rep.Series))[0].Y[123_456] = 1e9 // a spike that must survive
	for i := range 3_000 {
		rep.Checks = append(rep.Checks, assay.Check{ID: fmt.Sprint("c", i), Status: assay.CheckPass, Message: strings.Repeat("m", 9_000)})
	}
	m := made(t, s)
	if len(m.Zip) > 100<<20 || len(m.HTML) > 32<<20 {
		t.Errorf("zip %d bytes, page %d bytes", len(m.Zip), len(m.HTML))
	}
	var left int
	for _, f := range m.Doc.Code {
		if f.Omitted != "" {
			left++
		}
	}
	if left == 0 {
		t.Error("60 MB of code fitted into 48 MB")
	}
	var spike bool
	for _, q := range m.Doc.Questions {
		if q.Result != nil {
			for _, c := range q.Result.Series {
				for _, y := range c.Y {
					spike = spike || y == 1e9
				}
				if len(c.Y) > 500 {
					t.Errorf("%d points in packet.json", len(c.Y))
				}
			}
		}
	}
	if !spike {
		t.Error("downsampling lost the spike")
	}
	if res := verified(t, m.Zip, signingKey()); res.State != packet.Intact {
		t.Errorf("%+v", res)
	}
}

func TestDeepDiffIsBounded(t *testing.T) {
	t.Parallel()
	s := seeded(assay.BlindNothing)
	var a, b strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&a, "old %d\n", i)
		fmt.Fprintf(&b, "new %d\n", i)
	}
	s.Interviews[1].Asked[0].Question.Starter = []assay.File{{Path: "attention.py", Content: a.String()}}
	h := &s.Interviews[1].Asked[0].Handed[1]
	h.Submission.Files, h.Files = []assay.StoredFile{stored("attention.py", b.String())}, []assay.File{{Path: "attention.py", Content: b.String()}}
	if m := made(t, s); !bytes.Contains(m.HTML, []byte("more lines are in the zip")) {
		t.Error("a file of 18,000 changed lines is shown whole")
	}
}
