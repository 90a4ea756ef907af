package assay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// ComputeHash is what Hash must be: SHA-256, in hex, of PrevHash followed by the canonical JSON of the other fields. Canonical
// means one line without spaces, the keys in the order below, the keys of details sorted, the time in UTC with six decimals,
// and no escaping beyond what JSON demands.
func (e AuditEvent) ComputeHash() string {
	details := e.Details
	if details == nil {
		details = map[string]string{}
	}
	var b bytes.Buffer
	b.WriteString(e.PrevHash)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Text, numbers and a map of texts always encode.
	_ = enc.Encode(struct {
		Seq     int64             `json:"seq"`
		At      string            `json:"at"`
		Actor   string            `json:"actor"`
		Act     string            `json:"act"`
		Object  string            `json:"object"`
		Loop    LoopID            `json:"loop"`
		Details map[string]string `json:"details"`
	}{e.Seq, e.At.UTC().Format(auditTime), e.Actor, e.Act, e.Object, e.LoopID, details})
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

const auditTime = "2006-01-02T15:04:05.000000Z"
