package packet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay"
)

// auditLine is one line of audit.ndjson. A line with an entry is whole: its hash can be worked out again from it. A withheld line
// keeps its place and its hashes, so the chain can be followed through it and the server's log compared with it.
type auditLine struct {
	Seq      int64       `json:"seq"`
	Act      string      `json:"act"`
	PrevHash string      `json:"prev_hash"`
	Hash     string      `json:"hash"`
	Entry    *auditEntry `json:"entry,omitempty"`
	Withheld bool        `json:"withheld,omitempty"`
}

// auditEntry has the fields that assay.AuditEvent hashes, in the same spelling.
type auditEntry struct {
	Actor   string            `json:"actor"`
	At      string            `json:"at"`
	Details map[string]string `json:"details"`
	Loop    string            `json:"loop"`
	Object  string            `json:"object"`
}

const auditTime = "2006-01-02T15:04:05.000000Z"

func (l auditLine) event() (assay.AuditEvent, error) {
	at, err := time.Parse(auditTime, l.Entry.At)
	if err != nil {
		return assay.AuditEvent{}, err
	}
	return assay.AuditEvent{Seq: l.Seq, At: at, Actor: l.Entry.Actor, Act: l.Act, Object: l.Entry.Object, LoopID: assay.LoopID(l.Entry.Loop),
		Details: l.Entry.Details, PrevHash: l.PrevHash, Hash: l.Hash}, nil
}

// actSitting stands for every act that belongs to the candidate's sitting.
const actSitting = "sitting"

// sitting says that an act belongs to the candidate's sitting. From the clock of such lines one could work out extra time, and extra
// time may be an accommodation, so they are withheld from every packet alike.
func sitting(act string) bool {
	area, _, _ := strings.Cut(act, ".")
	switch area {
	case "interview", "invitation", "submission", "attempt", "draft", "item", "time", "credit", "candidate":
		return true
	}
	return false
}

// auditLines are the loop's lines as the blind level lets them be shown.
func (b blinded) auditLines() []auditLine {
	events := sorted(b.Audit, func(e assay.AuditEvent) string { return fmt.Sprintf("%020d", e.Seq) })
	out := make([]auditLine, 0, len(events))
	for _, e := range events {
		l := auditLine{Seq: e.Seq, Act: e.Act, PrevHash: e.PrevHash, Hash: e.Hash}
		entry := auditEntry{Actor: e.Actor, At: e.At.UTC().Format(auditTime), Details: e.Details, Loop: string(e.LoopID), Object: e.Object}
		if entry.Details == nil {
			entry.Details = map[string]string{}
		}
		switch {
		case sitting(e.Act):
			l.Act, l.Withheld = actSitting, true // the act alone would tell of extra time
		case hidesInterviewers(b.Packet.Blind) || b.names(entry):
			l.Withheld = true
		default:
			l.Entry = &entry
		}
		out = append(out, l)
	}
	return out
}

func (b blinded) names(e auditEntry) bool {
	raw, err := json.Marshal(e)
	if err != nil {
		return true
	}
	return len(b.hidden.find(string(raw), false)) > 0 || slices.ContainsFunc(b.hidden, func(p person) bool { return p.mail != nil && p.mail.Match(raw) })
}

func auditFile(lines []auditLine) ([]byte, error) {
	var out bytes.Buffer
	for _, l := range lines {
		raw, err := canonicalJSON(l)
		if err != nil {
			return nil, err
		}
		out.Write(raw)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// audit is the short form for the page: the steps of the loop in words. The sitting's own lines have no clock here either.
func (b *build) audit(lines []auditLine) DocAudit {
	d := DocAudit{ChainHead: b.ChainHead, Lines: len(lines), Events: []DocKeyFact{}}
	for _, l := range lines {
		fact := DocKeyFact{Seq: l.Seq, What: actWords(l.Act), Hash: l.Hash}
		if l.Withheld {
			d.Withheld++
		} else {
			if t, err := time.Parse(auditTime, l.Entry.At); err == nil {
				fact.At = b.when(t)
			}
			fact.Who = b.person(assay.UserID(l.Entry.Actor))
		}
		d.Events = append(d.Events, fact)
	}
	return d
}

var actNames = map[string]string{
	actSitting:     "The candidate’s sitting",
	"loop.created": "Loop created", "loop.committee_set": "Committee named", "panel.seated": "Interviewer put on the panel", "panel.unseated": "Interviewer taken off the panel",
	"scorecard.opened": "Scorecard opened", "scorecard.submitted": "Scorecard submitted", "scorecard.amended": "Scorecard amended", "scorecard.waived": "Scorecard waived",
	"scorecard.saw_autograde": "Hidden results opened by an interviewer", "packet.requested": "Packet asked for", "packet.built": "Packet built",
	"packet.failed": "Packet could not be built", "vote.cast": "Vote cast", "decision.recorded": "Decision recorded", "comment.added": "Comment on a line",
}

// actWords spells an act out; one that has no words of its own is shown as it is written.
func actWords(act string) string {
	area, what, _ := strings.Cut(act, ".")
	return cmp.Or(actNames[act], strings.TrimSpace(capital(strings.ReplaceAll(area, "_", " "))+": "+strings.ReplaceAll(what, "_", " ")))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// checkAudit follows the chain through audit.ndjson. Whole lines must have the hash that their content gives; neighbours in the
// server's log must link; where lines of other loops stand between, the order alone can be seen from here.
func checkAudit(raw []byte, head string, lines int) error {
	dec := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(raw) == 0 {
		dec = nil
	}
	if len(dec) != lines {
		return fmt.Errorf("has %d lines where packet.json counts %d", len(dec), lines)
	}
	var before auditLine
	for i, text := range dec {
		var l auditLine
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return fmt.Errorf("line %d is not a log line", i+1)
		}
		if l.Withheld == (l.Entry != nil) || !isDigest(l.Hash) || l.PrevHash != "" && !isDigest(l.PrevHash) {
			return fmt.Errorf("line %d is not a log line", i+1)
		}
		if l.Entry != nil {
			e, err := l.event()
			if err != nil || e.ComputeHash() != l.Hash {
				return fmt.Errorf("line %d (entry %d) does not have the hash that its content gives", i+1, l.Seq)
			}
		}
		if i > 0 {
			switch {
			case l.Seq <= before.Seq:
				return fmt.Errorf("line %d is out of order", i+1)
			case l.Seq == before.Seq+1 && l.PrevHash != before.Hash:
				return fmt.Errorf("line %d (entry %d) does not follow from the entry before it", i+1, l.Seq)
			}
		}
		before = l
	}
	if head != "" && !isDigest(head) {
		return fmt.Errorf("the chain head in packet.json is no hash")
	}
	if n := len(dec); n > 0 && head == "" {
		return fmt.Errorf("packet.json names no chain head")
	}
	return nil
}

func isDigest(s string) bool {
	return len(s) == 64 && !slices.ContainsFunc([]byte(s), func(c byte) bool { return !strings.ContainsRune("0123456789abcdef", rune(c)) })
}
