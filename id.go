package assay

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// Ids are text, prefixed and ordered by the time they were made. Each kind has its own type, so they cannot be swapped.
type (
	UserID       string
	CandidateID  string
	OpeningID    string
	KitID        string
	LoopID       string
	InterviewID  string
	ItemID       string // one pinned question within one interview
	InvitationID string
	SubmissionID string
	AttemptID    string
	CommentID    string
	ScorecardID  string
	PacketID     string
	VoteID       string
	DecisionID   string
)

func NewUserID() UserID             { return UserID(newID("usr")) }
func NewCandidateID() CandidateID   { return CandidateID(newID("cand")) }
func NewOpeningID() OpeningID       { return OpeningID(newID("opn")) }
func NewKitID() KitID               { return KitID(newID("kit")) }
func NewLoopID() LoopID             { return LoopID(newID("loop")) }
func NewInterviewID() InterviewID   { return InterviewID(newID("int")) }
func NewItemID() ItemID             { return ItemID(newID("itm")) }
func NewInvitationID() InvitationID { return InvitationID(newID("inv")) }
func NewSubmissionID() SubmissionID { return SubmissionID(newID("sub")) }
func NewAttemptID() AttemptID       { return AttemptID(newID("att")) }
func NewCommentID() CommentID       { return CommentID(newID("cmt")) }
func NewScorecardID() ScorecardID   { return ScorecardID(newID("card")) }
func NewPacketID() PacketID         { return PacketID(newID("pkt")) }
func NewVoteID() VoteID             { return VoteID(newID("vote")) }
func NewDecisionID() DecisionID     { return DecisionID(newID("dec")) }

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

var lastID struct {
	sync.Mutex
	ms  uint64
	low uint16
}

// newID is prefix_ and 26 characters: 48 bits of milliseconds, 16 bits that count within one millisecond (so ids made by one
// process sort in the order they were made), 64 random bits.
func newID(prefix string) string {
	lastID.Lock()
	ms := uint64(time.Now().UnixMilli())
	if ms <= lastID.ms {
		ms = lastID.ms
		if lastID.low++; lastID.low == 0 {
			ms++
		}
	} else {
		lastID.low = 0
	}
	lastID.ms = ms
	low := lastID.low
	lastID.Unlock()

	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], ms<<16|uint64(low))
	rand.Read(b[8:])
	return prefix + "_" + encode(b)
}

// encode writes 128 bits as 26 characters of Crockford's base 32; the order of the texts is the order of the bytes.
func encode(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// IDPrefix is the part of an id before its underscore: "sub" for a submission.
func IDPrefix(id string) string {
	p, _, _ := strings.Cut(id, "_")
	return p
}
