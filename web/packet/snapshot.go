package packet

import "assay"

// Snapshot is everything about one loop at one moment, with the submitted files read. A packet is a pure function of it.
type Snapshot struct {
	Packet     assay.Packet
	Loop       assay.Loop
	Opening    assay.Opening
	Candidate  assay.Candidate
	Interviews []Sitting
	Scorecards []assay.Scorecard
	Amendments []assay.Amendment
	Users      []assay.User
	Votes      []assay.Vote
	Decisions  []assay.Decision
	Audit      []assay.AuditEvent
	ChainHead  string
	// Pools counts graded results by question slug, where that is known. Nil when nobody counted.
	Pools map[string]int
	// Build names the program that builds the packet.
	Build string
}

// Sitting is one interview of the loop with all that happened in it.
type Sitting struct {
	Interview assay.Interview
	Kit       assay.Kit
	Asked     []Asked
	Panel     []assay.Panelist
	Credits   []assay.Credit
	Cancelled string // why, as the person who cancelled wrote it
}

// Asked is one pinned question and what was handed in for it, the oldest first.
type Asked struct {
	Item     assay.Item
	Question assay.PublicQuestion
	Handed   []Handed
}

// Handed is one submission. Files holds the content of Submission.Files where the packet needs it; Omitted says why not, by path.
type Handed struct {
	Submission assay.Submission
	Attempt    *assay.Attempt
	Comments   []assay.Comment
	Files      []assay.File
	Omitted    map[string]string
}
