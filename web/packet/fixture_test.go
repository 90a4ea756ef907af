package packet_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"assay"
	"assay/web/packet"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at(hours float64) time.Time { return t0.Add(time.Duration(hours * float64(time.Hour))) }

func ptr[T any](v T) *T { return &v }

// signingKey is the same in every test, so that signatures can be compared.
func signingKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("a key for tests alone"))
	return ed25519.NewKeyFromSeed(seed[:])
}

func id(prefix string, n int) string { return fmt.Sprintf("%s_%026d", prefix, n) }

const starterPy = `"""Scaled dot-product attention."""
import numpy as np


def softmax(x):
    """Return the softmax over the last axis."""
    raise NotImplementedError


def attention(q, k, v, mask=None):
    """q: (n, d), k: (m, d), v: (m, e). Return (n, e)."""
    raise NotImplementedError


def unused_helper_one(x):
    return x


def unused_helper_two(x):
    return x


def unused_helper_three(x):
    return x


def unused_helper_four(x):
    return x
`

const solutionPy = `"""Scaled dot-product attention."""
import numpy as np
# worked on in /home/imre/attention, imre.szalontai@mail.example, https://github.com/imre-szalontai


def softmax(x):
    """Return the softmax over the last axis."""
    x = x - x.max(axis=-1, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def attention(q, k, v, mask=None):
    """q: (n, d), k: (m, d), v: (m, e). Return (n, e)."""
    scores = q @ k.T / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -1e9)  # Szalontai: finite, so a fully masked row stays finite
    return softmax(scores) @ v


def unused_helper_one(x):
    return x


def unused_helper_two(x):
    return x


def unused_helper_three(x):
    return x


def unused_helper_four(x):
    return x
`

const trainPy = `import numpy as np


def train(public, artifact):
    # 学習率は小さめに 🧪 – <script>alert("code")</script>
    rng = np.random.default_rng(0)
    w = rng.normal(size=8)
    for step in range(400):
        w -= 0.05 * gradient(w)
        print("metric loss", step, loss(w))
    np.save(artifact / "w.npy", w)
`

const statement = "# Attention\n\nImplement **scaled dot-product attention** with `numpy`.\n\n$$\\operatorname{softmax}(QK^T/\\sqrt{d})V$$\n\n" +
	"| argument | shape |\n|---|---|\n| q | (n, d) |\n| k | (m, d) |\n\n- rows that are fully masked give *no* NaN\n- see [the paper](https://example.org/paper) ![p](https://example.org/p.png)\n\n<script>alert('statement')</script>\n"

// people of the loop
const (
	recruiter = assay.UserID("usr_00000000000000000000000001")
	brueck    = assay.UserID("usr_00000000000000000000000002")
	obriain   = assay.UserID("usr_00000000000000000000000003")
	chen      = assay.UserID("usr_00000000000000000000000004")
	haddad    = assay.UserID("usr_00000000000000000000000005")
	lindqvist = assay.UserID("usr_00000000000000000000000006")
	duarte    = assay.UserID("usr_00000000000000000000000007")
	okafor    = assay.UserID("usr_00000000000000000000000008")
)

func stored(path, content string) assay.StoredFile {
	sum := sha256.Sum256([]byte(content))
	h := hex.EncodeToString(sum[:])
	return assay.StoredFile{Path: path, Key: h, Size: int64(len(content)), SHA256: h}
}

// seeded is a whole loop, made by hand: three interviews held and one cancelled, agreement and disagreement, every kind of evidence,
// an amendment, a missing and a waived scorecard, a shadow, names in four scripts and texts that attack the page.
func seeded(level assay.BlindLevel) packet.Snapshot {
	s := packet.Snapshot{
		Build:     "test",
		Packet:    assay.Packet{ID: "pkt_00000000000000000000000001", LoopID: "loop_00000000000000000000000001", Version: 1, Blind: level, Status: assay.PacketRequested, RequestedBy: recruiter, RequestedAt: at(80)},
		Loop:      assay.Loop{ID: "loop_00000000000000000000000001", OpeningID: "opn_00000000000000000000000001", CandidateID: "cand_00000000000000000000000001", Status: assay.CaseGathering, Committee: []assay.UserID{okafor}, CreatedBy: recruiter, CreatedAt: at(-40)},
		Opening:   assay.Opening{ID: "opn_00000000000000000000000001", Title: "ML Engineer, Ranking", Level: assay.LevelSenior, HiringManager: okafor},
		Candidate: assay.Candidate{ID: "cand_00000000000000000000000001", Name: "Imre Szalontai", Email: "imre.szalontai@mail.example"},
		Users: []assay.User{
			{ID: recruiter, Name: "Greta Vollmer", Email: "greta@corp.example"}, {ID: brueck, Name: "Anneliese Brück", Email: "anneliese.brueck@corp.example"},
			{ID: obriain, Name: "Tomás Ó Briain", Email: "tobriain@corp.example"}, {ID: chen, Name: "陈思源", Email: "chen.siyuan@corp.example"},
			{ID: haddad, Name: "ليلى حداد", Email: "leila.haddad@corp.example"}, {ID: lindqvist, Name: "Pia Lindqvist", Email: "pia@corp.example"},
			{ID: duarte, Name: "Rafael Duarte", Email: "rduarte@corp.example"}, {ID: okafor, Name: "Ngozi Okafor", Email: "ngozi.okafor@corp.example"},
		},
	}
	attention := assay.PublicQuestion{Statement: statement, Starter: []assay.File{{Path: "attention.py", Content: starterPy}},
		Question: assay.Question{Slug: "attention-core", Title: "Attention, from its definition", Kind: assay.KindImplement, AIPolicy: assay.AIDocs,
			Environment: assay.Environment{Image: "numpy", GPU: "none", Threads: 1, Network: "none"}, Limits: assay.Limits{CPUs: 2, Memory: 2 << 30, Grade: 90 * time.Second},
			Checks: []assay.CheckSpec{{ID: "shape", Title: "Shapes", Points: 10}, {ID: "masked_rows", Title: "Fully masked rows stay finite", Points: 20},
				{ID: "max_error", Title: "Largest error against the reference", Points: 30, Better: "lower", Zero: ptr(1e-2), Full: ptr(1e-6), Unit: ""}}}}
	training := assay.PublicQuestion{Statement: "Train a model within the budget.", Starter: []assay.File{{Path: "train.py", Content: "def train(public, artifact):\n    raise NotImplementedError\n"}},
		Question: assay.Question{Slug: "churn-honestly", Title: "Churn, honestly", Kind: assay.KindTrain, AIPolicy: assay.AIAssistant,
			Environment: assay.Environment{Image: "numpy", Threads: 2, Network: "none"}, Limits: assay.Limits{CPUs: 2, Memory: 4 << 30, Grade: 5 * time.Minute},
			Checks: []assay.CheckSpec{{ID: "logloss", Title: "Log loss on the hidden month", Points: 60, Better: "lower", Zero: ptr(0.62), Full: ptr(0.41), Unit: "nats"}}}}
	design := assay.PublicQuestion{Statement: "Design a feature store for ranking.", Question: assay.Question{Slug: "feature-store-design", Title: "A feature store for ranking", Kind: assay.KindDesign}}

	var xs []float64
	var train, val []assay.Float
	for i := range 1200 {
		xs = append(xs, float64(i))
		base := 0.45 + 1.4*math.Exp(-float64(i)/160)
		train = append(train, assay.Float(base+0.03*math.Sin(float64(i)*1.7)))
		switch {
		case i >= 700 && i < 720:
			val = append(val, assay.Float(math.NaN()))
		default:
			val = append(val, assay.Float(base+0.08+float64(i)*0.00006))
		}
	}
	kit := func(slug, title string, focus ...string) assay.Kit {
		return assay.Kit{ID: assay.KitID("kit_" + slug), Slug: slug, Title: title, Version: 3, Focus: focus, Level: assay.LevelSenior}
	}
	one := packet.Sitting{
		Interview: assay.Interview{ID: "int_00000000000000000000000001", LoopID: s.Loop.ID, Title: "Implementation", Kind: "live", Status: assay.InterviewClosed, WindowStart: at(0),
			OpenedAt: ptr(at(0)), ClosedAt: ptr(at(1.6)), AIPolicy: assay.AIDocs, Results: assay.ResultsPublic, Allotted: time.Hour, Credited: 16 * time.Minute},
		Kit:     kit("ml-coding", "ML coding", "C5", "C6", "C2"),
		Panel:   []assay.Panelist{{UserID: obriain, Participation: "interviewer"}, {UserID: brueck, Participation: "interviewer"}},
		Credits: []assay.Credit{{Amount: 95 * time.Second, Cause: "queue"}, {Amount: 15 * time.Minute, Cause: "extension"}},
		Asked: []packet.Asked{{Item: assay.Item{ID: "itm_00000000000000000000000001", Position: 1, Slug: "attention-core", Revision: strings.Repeat("a1", 32), Seed: "71", Minutes: 45, Title: "Attention"},
			Question: attention, Handed: []packet.Handed{
				{Submission: assay.Submission{ID: "sub_00000000000000000000000001", Mode: assay.ModeRun, Status: assay.StatusDone, CreatedAt: at(0.4), Files: []assay.StoredFile{stored("attention.py", starterPy)}}},
				{Submission: assay.Submission{ID: "sub_00000000000000000000000002", Mode: assay.ModeSubmit, Status: assay.StatusDone, Verdict: assay.PartiallyAccepted, Score: 0.83, CreatedAt: at(0.9),
					Files: []assay.StoredFile{stored("attention.py", solutionPy), stored("notes/szalontai.md", "Imre's notes\n")}},
					Files: []assay.File{{Path: "attention.py", Content: solutionPy}, {Path: "notes/szalontai.md", Content: "Imre's notes\n"}},
					Attempt: &assay.Attempt{ID: "att_00000000000000000000000002", PublicLog: "check shape pass\nhello from imre\n\x1b[31mred\x1b[0m </pre><script>alert('log')</script>\n", StaffLog: "harness secret trace",
						Report: &assay.Report{Format: 1, Question: "attention-core", Seed: "71", Notes: "Mask applied before the softmax.",
							Usage:  assay.Usage{Wall: 4210 * time.Millisecond, CPU: 3900 * time.Millisecond, PeakMemory: 188 << 20},
							Grader: assay.GraderRef{Image: "assay/sandbox-numpy:dev", Engine: "test"},
							Checks: []assay.Check{
								{ID: "shape", Title: "Shapes", Show: assay.ShowPublic, Status: assay.CheckPass, Points: 10, Of: 10},
								{ID: "masked_rows", Title: "Fully masked rows stay finite", Show: assay.ShowHidden, Status: assay.CheckPartial, Points: 10, Of: 20, Message: "Row 3 sums to 1.02 where it should be 1.", StaffNote: "A finite −1e9 gives a uniform row; Szalontai said so himself."},
								{ID: "max_error", Title: "Largest error against the reference", Show: assay.ShowAfter, Status: assay.CheckPass, Points: 30, Of: 30, Value: ptr(3.1e-7), Samples: []float64{2e-7, 3.1e-7, 1e-7}},
							}}},
					Comments: []assay.Comment{{ID: "cmt_1", SubmissionID: "sub_00000000000000000000000002", Path: "attention.py", Line: 17, AuthorID: obriain, Body: "Asked about −inf: he knew it gives NaN for a row without any key.", CreatedAt: at(2)},
						{ID: "cmt_2", SubmissionID: "sub_00000000000000000000000002", Path: "attention.py", Line: 8, AuthorID: brueck, Body: "Subtracts the maximum unprompted. <img src=x onerror=alert(1)>", CreatedAt: at(2)}}},
			}}},
	}
	two := packet.Sitting{
		Interview: assay.Interview{ID: "int_00000000000000000000000002", LoopID: s.Loop.ID, Title: "Training under a budget", Kind: "take_home", Status: assay.InterviewClosed, WindowStart: at(24), OpenedAt: ptr(at(24)), AIPolicy: assay.AIAssistant},
		Kit:       kit("modelling", "Modelling", "C2", "C3", "C4"),
		Panel:     []assay.Panelist{{UserID: chen, Participation: "interviewer"}, {UserID: lindqvist, Participation: "shadow"}},
		Asked: []packet.Asked{{Item: assay.Item{ID: "itm_00000000000000000000000002", Position: 1, Slug: "churn-honestly", Revision: strings.Repeat("b2", 32), Seed: "902", Minutes: 60},
			Question: training, Handed: []packet.Handed{{Submission: assay.Submission{ID: "sub_00000000000000000000000003", Mode: assay.ModeSubmit, Status: assay.StatusDone, Verdict: assay.Accepted, Score: 0.9, CreatedAt: at(25),
				Files: []assay.StoredFile{stored("train.py", trainPy)}}, Files: []assay.File{{Path: "train.py", Content: trainPy}},
				Attempt: &assay.Attempt{ID: "att_00000000000000000000000003", PublicLog: strings.Repeat("epoch ok\n", 4),
					Report: &assay.Report{Format: 1, Question: "churn-honestly", Seed: "902", Usage: assay.Usage{Wall: 92 * time.Second, CPU: 171 * time.Second, PeakMemory: 1300 << 20},
						Grader: assay.GraderRef{Image: "assay/sandbox-numpy:dev", Engine: "test"},
						Checks: []assay.Check{{ID: "logloss", Title: "Log loss on the hidden month", Show: assay.ShowAfter, Status: assay.CheckPartial, Points: 51, Of: 60, Value: ptr(0.441), Unit: "nats"},
							{ID: "no_leak", Title: "Uses nothing from after the cut-off", Show: assay.ShowHidden, Status: assay.CheckPass, Points: 40, Of: 40}},
						Series: []assay.Series{{Name: "train loss", X: xs, Y: train, Unit: "nats"}, {Name: "validation loss", X: xs, Y: val, Unit: "nats"}}}}}}}},
	}
	three := packet.Sitting{
		Interview: assay.Interview{ID: "int_00000000000000000000000003", LoopID: s.Loop.ID, Title: "System design", Kind: "live", Status: assay.InterviewClosed, WindowStart: at(48), OpenedAt: ptr(at(48)), AIPolicy: assay.AINone},
		Kit:       kit("design", "System design", "C1", "C8", "C7"),
		Panel:     []assay.Panelist{{UserID: haddad, Participation: "interviewer"}, {UserID: duarte, Participation: "interviewer", WaivedReason: "Ill since the interview; the loop could not wait."}, {UserID: okafor, Participation: "interviewer"}},
		Asked:     []packet.Asked{{Item: assay.Item{ID: "itm_00000000000000000000000003", Position: 1, Slug: "feature-store-design", Revision: strings.Repeat("c3", 32), Seed: "1", Minutes: 45}, Question: design}},
	}
	four := packet.Sitting{
		Interview: assay.Interview{ID: "int_00000000000000000000000004", LoopID: s.Loop.ID, Title: "Debugging with Imre", Kind: "live", Status: assay.InterviewCancelled, CloseCause: "cancelled", WindowStart: at(72)},
		Kit:       kit("debugging", "Debugging", "C5"), Cancelled: "The interviewer's train stood still; Imre Szalontai was told at once.",
	}
	s.Interviews = []packet.Sitting{three, one, four, two} // order is the builder's business

	code := func(from, to int) assay.Evidence {
		return assay.Evidence{Kind: "code", Submission: "sub_00000000000000000000000002", Path: "attention.py", From: from, To: to}
	}
	card := func(n int, in assay.InterviewID, who assay.UserID, overall assay.Recommendation, hours float64, ratings ...assay.Rating) assay.Scorecard {
		return assay.Scorecard{ID: assay.ScorecardID(id("card", n)), LoopID: s.Loop.ID, InterviewID: in, AuthorID: who, Status: assay.ScorecardSubmitted, Overall: overall, LevelObserved: assay.LevelSenior,
			Ratings: ratings, PrivateNote: "a private note that nobody may read", OpenedAt: at(hours - 1), SubmittedAt: ptr(at(hours))}
	}
	a := card(1, one.Interview.ID, brueck, assay.StrongYes, 3,
		assay.Rating{Competency: "C6", Score: 4, Confidence: "high", Comment: "Stated shapes first, subtracted the maximum before I asked, and wrote an assertion for the empty case.", Evidence: []assay.Evidence{code(7, 10), {Kind: "check", Submission: "sub_00000000000000000000000002", Check: "max_error"}}},
		assay.Rating{Competency: "C5", Score: 3, Confidence: "medium", Comment: "Halved the search space when row 3 was off; found it in two steps."},
		assay.Rating{Competency: "C2", NotAssessed: true})
	a.ReasonFor, a.ReasonAgainst = "Writes numerically safe code by habit and says why.", "Did not test a fully masked row until asked."
	a.NoteToNext, a.WouldChange = "Please probe how Imre splits grouped data.", "A second silent fault that he does not see."
	b := card(2, one.Interview.ID, obriain, assay.No, 4,
		assay.Rating{Competency: "C6", Score: 2, Confidence: "medium", Comment: "The mask is patched with −1e9; a fully masked row comes out uniform, not empty. Needed a hint to see it.", Evidence: []assay.Evidence{code(16, 17), {Kind: "check", Submission: "sub_00000000000000000000000002", Check: "masked_rows"}}},
		assay.Rating{Competency: "C5", Score: 3, Confidence: "low", Comment: "Only one fault came up, so I saw little."},
		assay.Rating{Competency: "C2", NotAssessed: true})
	b.ReasonFor, b.ReasonAgainst, b.SawAutograde = "Clear, readable, vectorised.", "Silent faults get past him: see the masked row.", true
	c := card(3, two.Interview.ID, chen, assay.Yes, 30,
		assay.Rating{Competency: "C2", Score: 4, Confidence: "high", Comment: "按时间切分，并且主动写了断言。Split by time unprompted and measured what the leak was worth.", Evidence: []assay.Evidence{{Kind: "quote", Quote: "If I shuffle these rows, I am grading myself on tomorrow's newspaper."}, {Kind: "code", Submission: "sub_00000000000000000000000003", Path: "train.py", From: 4, To: 9}}},
		assay.Rating{Competency: "C3", Score: 3, Confidence: "high", Comment: "Baseline first, one change at a time."},
		assay.Rating{Competency: "C4", Score: 3, Confidence: "medium", Comment: "Three seeds; no interval.", Evidence: []assay.Evidence{{Kind: "check", Check: "logloss"}, {Kind: "code", Submission: "sub_00000000000000000000000099", Path: "gone.py", From: 3, To: 3}}})
	c.ReasonFor, c.ReasonAgainst = "Treats the split as the first modelling decision.", "Stopped tuning early."
	d := card(4, three.Interview.ID, haddad, assay.Yes, 52,
		assay.Rating{Competency: "C1", Score: 3, Confidence: "high", Comment: "سألت عن القرار قبل النموذج. Asked what the ranking decides before naming a model.", Evidence: []assay.Evidence{{Kind: "quote", Quote: "من يخسر إذا أخطأنا؟"}}},
		assay.Rating{Competency: "C8", Score: 2, Confidence: "medium", Comment: "No word on rollback until asked; p99 guessed."},
		assay.Rating{Competency: "C7", NotAssessed: true})
	d.ReasonFor, d.ReasonAgainst = "Frames the decision first. </style><script>alert(1)</script>", "Production reflexes are thin: \u202Eevil\u202C rollback came late."
	shadow := card(5, two.Interview.ID, lindqvist, assay.StrongNo, 31, assay.Rating{Competency: "C3", Score: 1, Comment: "a shadow's opinion", Evidence: []assay.Evidence{{Kind: "quote", Quote: "shadow quote"}}})
	draft := card(6, three.Interview.ID, okafor, assay.StrongNo, 53, assay.Rating{Competency: "C8", Score: 1, Comment: "a draft's opinion"})
	draft.Status, draft.SubmittedAt = assay.ScorecardDraft, nil
	s.Scorecards = []assay.Scorecard{d, b, shadow, a, draft, c}
	s.Amendments = []assay.Amendment{{ID: 1, ScorecardID: b.ID, Version: 2, Reason: "After reading the masked-row output again: he had said in the interview that uniform was a choice.", Overall: assay.Yes, SawOthers: true, At: at(60),
		Ratings: []assay.Rating{{Competency: "C6", Score: 3, Confidence: "medium", Comment: "A stated choice, not an oversight."}}}}
	s.Audit = audited(s.Loop.ID)
	s.ChainHead = s.Audit[len(s.Audit)-1].Hash
	return s
}

// decided is the loop after the meeting.
func decided(level assay.BlindLevel) packet.Snapshot {
	s := seeded(level)
	s.Packet.ID, s.Packet.Version, s.Loop.Status = "pkt_00000000000000000000000002", 2, assay.CaseDecided
	s.Votes = []assay.Vote{{ID: "vote_1", PacketID: "pkt_00000000000000000000000001", UserID: okafor, Outcome: assay.Hire, Level: assay.LevelSenior, Confidence: "medium", Sentence: "Imre's data work carries it.", CreatedAt: at(90)}}
	s.Decisions = []assay.Decision{{ID: "dec_1", PacketID: "pkt_00000000000000000000000001", Outcome: assay.Hire, Level: assay.LevelSenior, DecidedBy: okafor, CreatedAt: at(91),
		Rationale: "Split by time unprompted, and measured the leak. The masked row was a stated choice, which the amendment confirms. Production is thin; the first project will be paired.", Dissent: "One of us would have held for a serving round."}}
	return s
}

// audited is a piece of a server's log: this loop's lines, with lines of others between.
func audited(loop assay.LoopID) []assay.AuditEvent {
	var all, out []assay.AuditEvent
	prev := ""
	add := func(hours float64, actor, act, object string, l assay.LoopID, details map[string]string) {
		e := assay.AuditEvent{Seq: int64(len(all) + 1), At: at(hours), Actor: actor, Act: act, Object: object, LoopID: l, Details: details, PrevHash: prev}
		e.Hash = e.ComputeHash()
		prev = e.Hash
		if all = append(all, e); l == loop {
			out = append(out, e)
		}
	}
	add(-41, "system", "user.created", string(recruiter), "", nil)
	add(-40, string(recruiter), "loop.created", string(loop), loop, map[string]string{"candidate": "Imre Szalontai"})
	add(-39, string(recruiter), "panel.seated", "int_00000000000000000000000001", loop, map[string]string{"user": string(brueck)})
	add(-38, string(recruiter), "loop.created", "loop_other", "loop_other", nil)
	add(0, "cand_00000000000000000000000001", "interview.opened", "int_00000000000000000000000001", loop, nil)
	add(0.5, string(recruiter), "interview.time_credited", "int_00000000000000000000000001", loop, map[string]string{"amount": "15m0s", "cause": "extension"})
	add(0.9, "cand_00000000000000000000000001", "submission.created", "sub_00000000000000000000000002", loop, nil)
	add(3, string(brueck), "scorecard.submitted", id("card", 1), loop, map[string]string{"digest": strings.Repeat("0f", 32)})
	add(60, string(obriain), "scorecard.amended", id("card", 2), loop, map[string]string{"version": "2"})
	add(80, string(recruiter), "packet.requested", "pkt_00000000000000000000000001", loop, map[string]string{"blind": "B0"})
	return out
}
