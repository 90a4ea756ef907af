package storage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"gorm.io/gorm"

	"assay"
)

// details are what a line of the audit log says beyond who, what and when. They never hold a judgement (a score, a vote), since
// people who may not read it yet may read the log; digest binds the line to the row instead.
type details map[string]string

// note appends a line to the log, in the transaction. Only audited transactions may, or the chain would fork.
//
// Packets withhold what lines about a sitting say, since more time may be an accommodation, but show their hashes. The few things that
// such a line can say must not be found by trying them against the hash, so it carries a salt.
func (t *tx) note(act string, object string, loop assay.LoopID, d details) error {
	var head assay.AuditEvent
	if err := t.Order("seq DESC").Limit(1).Find(&head).Error; err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for k, v := range d {
		d[k] = cleanText(v)
	}
	if strings.HasPrefix(act, "interview.") || strings.HasPrefix(act, "submission.") {
		d = maps.Clone(d)
		if d == nil {
			d = details{}
		}
		d["salt"] = rand.Text()
	}
	e := assay.AuditEvent{
		Seq: head.Seq + 1, At: t.now, Actor: t.actor.Name(), Act: act, Object: cleanText(object), LoopID: loop,
		Details: d, PrevHash: head.Hash,
	}
	e.Hash = e.ComputeHash()
	if err := t.insert(&e); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// digest binds an audit line to what a row held.
func digest(row any) string {
	b, err := json.Marshal(row)
	if err != nil {
		return "unencodable: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Note appends a line about something that changed no row: a page seen, a packet downloaded.
func (db *DB) Note(ctx context.Context, actor assay.Actor, act, object string, loop assay.LoopID, d map[string]string) error {
	return db.write(ctx, actor, func(t *tx) error { return t.note(act, object, loop, d) })
}

// Audit returns the lines about a loop, the oldest first. An empty loop means every line.
func (db *DB) Audit(ctx context.Context, loop assay.LoopID) ([]assay.AuditEvent, error) {
	if loop == "" {
		return many[assay.AuditEvent](db.read(ctx), "seq", "1=1")
	}
	return many[assay.AuditEvent](db.read(ctx), "seq", "loop_id = ?", loop)
}

// VerifyAudit walks the whole chain. It returns the number of the first line that is missing, changed or out of place, 0 when
// there is none. A chain cut off at its end shows too, as long as a packet was built from what was cut.
func (db *DB) VerifyAudit(ctx context.Context) (brokenSeq int64, err error) {
	err = db.snapshot(ctx, func(g *gorm.DB) error {
		var heads []string
		if err := g.Model(&assay.Packet{}).Where("chain_head <> ''").Distinct().Pluck("chain_head", &heads).Error; err != nil {
			return err
		}
		missing := map[string]bool{}
		for _, h := range heads {
			missing[h] = true
		}
		var last assay.AuditEvent
		for {
			lines, err := many[assay.AuditEvent](g.Limit(1000), "seq", "seq > ?", last.Seq)
			if err != nil {
				return err
			}
			for _, e := range lines {
				if e.Seq != last.Seq+1 || e.PrevHash != last.Hash || e.Hash != e.ComputeHash() {
					brokenSeq = last.Seq + 1
					return nil
				}
				delete(missing, e.Hash)
				last = e
			}
			if len(lines) == 0 {
				break
			}
		}
		if len(missing) > 0 {
			brokenSeq = last.Seq + 1
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("verify audit: %w", coded(err))
	}
	return brokenSeq, nil
}
