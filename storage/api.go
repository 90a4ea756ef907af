package storage

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"assay"
	"assay/storage/queue"
)

var errPending = errors.New("not written yet")

type (
	Config struct {
		URL string
		Log *slog.Logger
		Now func() time.Time
	}
	DB           struct{}
	SessionStore struct{}
	LoopFilter   struct {
		Opening       assay.OpeningID
		Panelist      assay.UserID
		Committee     assay.UserID
		HiringManager assay.UserID
	}
	LoopSummary struct {
		Loop             assay.Loop
		Opening          assay.Opening
		Candidate        assay.Candidate
		Interviews, Late int
	}
	SubmissionFilter struct {
		Interview assay.InterviewID
		Item      assay.ItemID
		Mode      assay.Mode
	}
	Finished struct {
		Verdict             assay.Verdict
		Score               float64
		Report              *assay.Report
		PublicLog, StaffLog string
	}
	NoteToNext struct {
		Author assay.UserID
		Note   string
	}
	Owed struct {
		Interview assay.Interview
		Candidate assay.Candidate
		Opening   assay.Opening
		Panelist  assay.Panelist
		Scorecard *assay.Scorecard
	}
	Health struct {
		Queued, Running, Stuck int
		LastFailures           []assay.Attempt
	}
	PacketData struct {
		Packet     assay.Packet
		Loop       assay.Loop
		Opening    assay.Opening
		Candidate  assay.Candidate
		Interviews []PacketInterview
		Scorecards []assay.Scorecard
		Amendments []assay.Amendment
		Users      []assay.User
		Votes      []assay.Vote
		Decisions  []assay.Decision
		Audit      []assay.AuditEvent
		ChainHead  string
	}
	PacketInterview struct {
		Interview   assay.Interview
		Kit         assay.Kit
		Items       []PacketItem
		Panel       []assay.Panelist
		Credits     []assay.Credit
		Submissions []PacketSubmission
	}
	PacketItem struct {
		Item     assay.Item
		Question assay.QuestionRevision
	}
	PacketSubmission struct {
		Submission assay.Submission
		Attempt    assay.Attempt
		Comments   []assay.Comment
	}
)

func Open(ctx context.Context, c Config) (*DB, error)                     { return nil, errPending }
func (db *DB) Migrate(ctx context.Context) error                          { return errPending }
func (db *DB) Close() error                                               { return errPending }
func (db *DB) Ping(ctx context.Context) error                             { return errPending }
func (db *DB) Now() time.Time                                             { return time.Time{} }
func (db *DB) Work(context.Context, queue.Handlers, int) error            { return errPending }
func (db *DB) Sessions() *SessionStore                                    { return nil }
func (db *DB) CreateUser(context.Context, assay.Actor, *assay.User) error { return errPending }
func (db *DB) User(ctx context.Context, id assay.UserID) (u assay.User, err error) {
	return u, errPending
}
func (db *DB) UserByEmail(ctx context.Context, email string) (u assay.User, err error) {
	return u, errPending
}
func (db *DB) Users(ctx context.Context) ([]assay.User, error) { return nil, errPending }
func (db *DB) SetPassword(ctx context.Context, actor assay.Actor, id assay.UserID, hash string, mustChange bool) error {
	return errPending
}
func (db *DB) SetRoles(ctx context.Context, actor assay.Actor, id assay.UserID, roles []assay.Role) error {
	return errPending
}
func (db *DB) DisableUser(ctx context.Context, actor assay.Actor, id assay.UserID) error {
	return errPending
}
func (db *DB) LoginFailed(ctx context.Context, email, ip string) error { return errPending }
func (db *DB) LoginFailures(ctx context.Context, email, ip string, since time.Time) (int, error) {
	return 0, errPending
}
func (db *DB) LoginSucceeded(ctx context.Context, actor assay.Actor, email, ip string) error {
	return errPending
}

func (db *DB) CreateOpening(ctx context.Context, actor assay.Actor, o *assay.Opening) error {
	return errPending
}
func (db *DB) Opening(ctx context.Context, id assay.OpeningID) (o assay.Opening, err error) {
	return o, errPending
}
func (db *DB) Openings(ctx context.Context, actor assay.Actor) ([]assay.Opening, error) {
	return nil, errPending
}
func (db *DB) CloseOpening(ctx context.Context, actor assay.Actor, id assay.OpeningID) error {
	return errPending
}
func (db *DB) CreateKit(ctx context.Context, actor assay.Actor, k *assay.Kit) error {
	return errPending
}
func (db *DB) Kit(ctx context.Context, id assay.KitID) (k assay.Kit, err error) {
	return k, errPending
}
func (db *DB) Kits(ctx context.Context) ([]assay.Kit, error) { return nil, errPending }
func (db *DB) CreateLoop(ctx context.Context, actor assay.Actor, l *assay.Loop, c *assay.Candidate) error {
	return errPending
}
func (db *DB) Loop(ctx context.Context, id assay.LoopID) (l assay.Loop, err error) {
	return l, errPending
}
func (db *DB) Candidate(ctx context.Context, id assay.CandidateID) (c assay.Candidate, err error) {
	return c, errPending
}
func (db *DB) Loops(ctx context.Context, f LoopFilter) ([]LoopSummary, error) {
	return nil, errPending
}
func (db *DB) SetCommittee(ctx context.Context, actor assay.Actor, id assay.LoopID, users []assay.UserID) error {
	return errPending
}
func (db *DB) CreateInterview(ctx context.Context, actor assay.Actor, i *assay.Interview, items []assay.Item, revs []assay.QuestionRevision) error {
	return errPending
}
func (db *DB) Interview(ctx context.Context, id assay.InterviewID) (i assay.Interview, err error) {
	return i, errPending
}
func (db *DB) Interviews(ctx context.Context, loop assay.LoopID) ([]assay.Interview, error) {
	return nil, errPending
}
func (db *DB) Items(ctx context.Context, id assay.InterviewID) ([]assay.Item, error) {
	return nil, errPending
}
func (db *DB) Item(ctx context.Context, id assay.ItemID) (i assay.Item, err error) {
	return i, errPending
}
func (db *DB) QuestionRevision(ctx context.Context, slug, revision string) (q assay.QuestionRevision, err error) {
	return q, errPending
}
func (db *DB) QuestionUse(ctx context.Context) (map[string]int, error) { return nil, errPending }
func (db *DB) Invite(ctx context.Context, actor assay.Actor, id assay.InterviewID, tokenHash string, expiresAt time.Time) (i assay.Invitation, err error) {
	return i, errPending
}
func (db *DB) InvitationByToken(ctx context.Context, tokenHash string) (i assay.Invitation, err error) {
	return i, errPending
}
func (db *DB) Invitations(ctx context.Context, id assay.InterviewID) ([]assay.Invitation, error) {
	return nil, errPending
}
func (db *DB) VisitInvitation(ctx context.Context, id assay.InvitationID) error { return errPending }
func (db *DB) AcceptInvitation(ctx context.Context, actor assay.Actor, id assay.InvitationID) error {
	return errPending
}
func (db *DB) RequestWindow(ctx context.Context, id assay.InvitationID, note string) error {
	return errPending
}
func (db *DB) OpenInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID) (i assay.Interview, err error) {
	return i, errPending
}
func (db *DB) CloseInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID, cause string) error {
	return errPending
}
func (db *DB) CancelInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID, reason string) error {
	return errPending
}
func (db *DB) CreditTime(ctx context.Context, actor assay.Actor, id assay.InterviewID, d time.Duration, cause string) error {
	return errPending
}
func (db *DB) ExpiredInterviews(ctx context.Context) ([]assay.Interview, error) {
	return nil, errPending
}
func (db *DB) SetPanelist(ctx context.Context, actor assay.Actor, p assay.Panelist) error {
	return errPending
}
func (db *DB) RemovePanelist(ctx context.Context, actor assay.Actor, id assay.InterviewID, user assay.UserID) error {
	return errPending
}
func (db *DB) Panel(ctx context.Context, id assay.InterviewID) ([]assay.Panelist, error) {
	return nil, errPending
}
func (db *DB) WaiveScorecard(ctx context.Context, actor assay.Actor, id assay.InterviewID, user assay.UserID, reason string) error {
	return errPending
}
func (db *DB) Draft(ctx context.Context, id assay.ItemID) (d assay.Draft, err error) {
	return d, errPending
}
func (db *DB) SaveDraft(ctx context.Context, actor assay.Actor, id assay.ItemID, base int, files []assay.File) (d assay.Draft, err error) {
	return d, errPending
}
func (db *DB) CreateSubmission(ctx context.Context, actor assay.Actor, s *assay.Submission) error {
	return errPending
}
func (db *DB) Submission(ctx context.Context, id assay.SubmissionID) (s assay.Submission, err error) {
	return s, errPending
}
func (db *DB) Submissions(ctx context.Context, f SubmissionFilter) ([]assay.Submission, error) {
	return nil, errPending
}
func (db *DB) Attempt(ctx context.Context, id assay.AttemptID) (a assay.Attempt, err error) {
	return a, errPending
}
func (db *DB) Attempts(ctx context.Context, id assay.SubmissionID) ([]assay.Attempt, error) {
	return nil, errPending
}
func (db *DB) CancelSubmission(ctx context.Context, actor assay.Actor, id assay.SubmissionID) error {
	return errPending
}
func (db *DB) Regrade(ctx context.Context, actor assay.Actor, id assay.SubmissionID) error {
	return errPending
}
func (db *DB) StartAttempt(ctx context.Context, job assay.GradeJob, worker string, lease time.Duration) (a assay.Attempt, s assay.Submission, err error) {
	return a, s, errPending
}
func (db *DB) ExtendLease(ctx context.Context, job assay.GradeJob, lease time.Duration) error {
	return errPending
}
func (db *DB) FinishAttempt(ctx context.Context, job assay.GradeJob, f Finished) error {
	return errPending
}
func (db *DB) FailAttempt(ctx context.Context, job assay.GradeJob, cause string, retry time.Duration) error {
	return errPending
}
func (db *DB) ParkAttempt(ctx context.Context, job assay.GradeJob, why string) error {
	return errPending
}
func (db *DB) AppendEvents(ctx context.Context, id assay.AttemptID, events []assay.Event) error {
	return errPending
}
func (db *DB) Events(ctx context.Context, id assay.AttemptID, afterID int64, limit int) ([]assay.Event, error) {
	return nil, errPending
}
func (db *DB) Watch(ctx context.Context, id assay.SubmissionID) iter.Seq2[assay.Submission, error] {
	return nil
}
func (db *DB) LoopFacts(ctx context.Context, actor assay.Actor, id assay.LoopID) (f assay.Facts, err error) {
	return f, errPending
}
func (db *DB) InterviewFacts(ctx context.Context, actor assay.Actor, id assay.InterviewID) (f assay.Facts, err error) {
	return f, errPending
}
func (db *DB) AddComment(ctx context.Context, actor assay.Actor, c *assay.Comment) error {
	return errPending
}
func (db *DB) Comments(ctx context.Context, id assay.SubmissionID) ([]assay.Comment, error) {
	return nil, errPending
}
func (db *DB) DraftScorecard(ctx context.Context, actor assay.Actor, id assay.InterviewID) (s assay.Scorecard, err error) {
	return s, errPending
}
func (db *DB) SaveScorecard(ctx context.Context, actor assay.Actor, s assay.Scorecard, base int) (assay.Scorecard, error) {
	return s, errPending
}
func (db *DB) SubmitScorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID) error {
	return errPending
}
func (db *DB) AmendScorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID, a assay.Amendment) error {
	return errPending
}
func (db *DB) Amendments(ctx context.Context, actor assay.Actor, id assay.ScorecardID) ([]assay.Amendment, error) {
	return nil, errPending
}
func (db *DB) MarkSawAutograde(ctx context.Context, actor assay.Actor, id assay.InterviewID) error {
	return errPending
}
func (db *DB) Scorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID) (s assay.Scorecard, err error) {
	return s, errPending
}
func (db *DB) Scorecards(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Scorecard, error) {
	return nil, errPending
}
func (db *DB) NotesToNext(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]NoteToNext, error) {
	return nil, errPending
}
func (db *DB) Owed(ctx context.Context, id assay.UserID) ([]Owed, error) { return nil, errPending }
func (db *DB) Late(ctx context.Context) ([]Owed, error)                  { return nil, errPending }
func (db *DB) RequestPacket(ctx context.Context, actor assay.Actor, id assay.LoopID, blind assay.BlindLevel) (p assay.Packet, err error) {
	return p, errPending
}
func (db *DB) Packet(ctx context.Context, actor assay.Actor, id assay.PacketID) (p assay.Packet, err error) {
	return p, errPending
}
func (db *DB) Packets(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Packet, error) {
	return nil, errPending
}
func (db *DB) FinishPacket(ctx context.Context, p assay.Packet) error { return errPending }
func (db *DB) FailPacket(ctx context.Context, id assay.PacketID, cause string) error {
	return errPending
}
func (db *DB) PacketData(ctx context.Context, id assay.PacketID) (d PacketData, err error) {
	return d, errPending
}
func (db *DB) CastVote(ctx context.Context, actor assay.Actor, v *assay.Vote) error {
	return errPending
}
func (db *DB) Votes(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Vote, error) {
	return nil, errPending
}
func (db *DB) RecordDecision(ctx context.Context, actor assay.Actor, d *assay.Decision) error {
	return errPending
}
func (db *DB) Decisions(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Decision, error) {
	return nil, errPending
}
func (db *DB) Audit(ctx context.Context, id assay.LoopID) ([]assay.AuditEvent, error) {
	return nil, errPending
}
func (db *DB) VerifyAudit(ctx context.Context) (brokenSeq int64, err error) { return 0, errPending }
func (db *DB) Note(ctx context.Context, actor assay.Actor, act, object string, loop assay.LoopID, details map[string]string) error {
	return errPending
}
func (db *DB) Health(ctx context.Context) (h Health, err error) { return h, errPending }
