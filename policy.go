package assay

// Act is something that a person may or may not do. May is the one table of who may do what; pages, live streams, packets and
// the CLI all ask it.
type Act string

const (
	// A candidate, within the one interview that their invitation opens.
	ActSitInterview Act = "sit_interview" // read own statements, drafts, submissions and public results; write and hand in

	// Panel members.
	ActSeeWork        Act = "see_work"        // submissions with hidden results, and the kit
	ActComment        Act = "comment"         // on lines of submitted files
	ActWriteScorecard Act = "write_scorecard" // one's own
	ActReadScorecard  Act = "read_scorecard"  // a particular one: Facts.Author, Facts.Submitted
	ActSeeScores      Act = "see_scores"      // anything derived from others' scorecards: averages, previews, votes

	// Recruiting.
	ActSeeLoop    Act = "see_loop"    // that it exists, its interviews, panel and who is late
	ActManageLoop Act = "manage_loop" // openings, kits, loops, interviews, invitations, panels, extensions

	// Deciding.
	ActRequestPacket Act = "request_packet"
	ActReadPacket    Act = "read_packet"
	ActVote          Act = "vote"
	ActDecide        Act = "decide"

	// The bank.
	ActReadBank Act = "read_bank" // statements, rubrics, solutions, hidden checks' names

	// The house.
	ActManageUsers Act = "manage_users"
	ActSeeHealth   Act = "see_health" // stuck attempts, audit chain, queue
)

// Acts lists every act, for the table test and for pages that show the table.
var Acts = []Act{ActSitInterview, ActSeeWork, ActComment, ActWriteScorecard, ActReadScorecard, ActSeeScores, ActSeeLoop, ActManageLoop,
	ActRequestPacket, ActReadPacket, ActVote, ActDecide, ActReadBank, ActManageUsers, ActSeeHealth}

// Facts is what the answer depends on besides the actor's roles. Storage gathers it; the zero value grants the least.
type Facts struct {
	Interview     InterviewID // the interview that the act concerns, if any
	OnPanel       bool        // the actor is on the panel of that interview (or, for a loop, of one of its interviews)
	OwesScorecard bool        // the actor sits on a panel of the loop and has a scorecard there that is neither submitted nor waived
	OnCommittee   bool        // the actor is named on the loop's committee
	HiringManager bool        // the loop is for an opening of the actor's
	Author        UserID      // of the scorecard in question
	Submitted     bool        // the scorecard in question has been submitted
}

// May says whether actor may do act, given the facts. It is pure, and "no" wherever nothing says "yes".
//
// One rule stands above the roles: whoever still owes a scorecard in a loop learns nothing of what others judged there, be they
// interviewer, recruiter, hiring manager or committee member as well.
func May(actor Actor, act Act, f Facts) bool {
	if actor.System {
		return true
	}
	if actor.Candidate != "" {
		return act == ActSitInterview && f.Interview != "" && f.Interview == actor.Interview
	}
	if actor.User == "" {
		return false
	}
	recruits := actor.Has(RoleRecruiter)
	manages := actor.Has(RoleHiringManager) && f.HiringManager
	sits := actor.Has(RoleInterviewer) && f.OnPanel
	decides := actor.Has(RoleCommittee) && f.OnCommittee

	switch act {
	case ActSeeWork, ActComment, ActWriteScorecard:
		return sits
	case ActReadScorecard:
		if f.Author == actor.User {
			return true
		}
		return f.Submitted && !f.OwesScorecard && (sits || recruits || manages || decides)
	case ActSeeScores:
		return !f.OwesScorecard && (sits || recruits || manages || decides)
	case ActSeeLoop:
		return sits || recruits || manages || decides
	case ActManageLoop:
		return recruits
	case ActRequestPacket:
		return recruits || manages
	case ActReadPacket:
		return !f.OwesScorecard && (recruits || manages || decides)
	case ActVote, ActDecide:
		return decides && !f.OwesScorecard
	case ActReadBank:
		return actor.Has(RoleAuthor) || actor.Has(RoleInterviewer) || actor.Has(RoleRecruiter)
	case ActManageUsers, ActSeeHealth:
		return actor.Has(RoleAdmin)
	}
	return false
}
