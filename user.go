package assay

import (
	"slices"
	"time"
)

// Role is what a person may do here; the table is in policy.go. A user may hold several.
type Role string

const (
	RoleInterviewer   Role = "interviewer"
	RoleRecruiter     Role = "recruiter"
	RoleHiringManager Role = "hiring_manager"
	RoleCommittee     Role = "committee"
	RoleAuthor        Role = "author"
	RoleAdmin         Role = "admin"
	// RoleCandidate is never stored on a user: candidates have no account, only an invitation.
	RoleCandidate Role = "candidate"
)

// Roles lists the roles that a user may hold, in the order that pages show them.
var Roles = []Role{RoleInterviewer, RoleRecruiter, RoleHiringManager, RoleCommittee, RoleAuthor, RoleAdmin}

// User is a person with an account.
type User struct {
	ID           UserID `gorm:"primaryKey"`
	Email        string
	Name         string
	PasswordHash string `json:"-"`
	// MustChange is set while the password is a one-time password printed by the operator.
	MustChange bool
	Roles      []Role `gorm:"serializer:json"`
	CreatedAt  time.Time
	DisabledAt *time.Time
}

func (u User) Has(role Role) bool { return slices.Contains(u.Roles, role) }

// Candidate is a person being interviewed. They have no account; an Invitation lets them in.
type Candidate struct {
	ID        CandidateID `gorm:"primaryKey"`
	Name      string
	Email     string
	CreatedAt time.Time
}

// Actor is whoever is calling: a signed-in user, a candidate within one interview, or the system itself (zero value with System).
type Actor struct {
	User      UserID
	Roles     []Role
	Candidate CandidateID
	Interview InterviewID // the one interview that the candidate's invitation opens
	System    bool
}

func (a Actor) Has(role Role) bool { return slices.Contains(a.Roles, role) }

// Anonymous says that nobody has been recognised.
func (a Actor) Anonymous() bool { return a.User == "" && a.Candidate == "" && !a.System }

// Name is how the audit log names the actor.
func (a Actor) Name() string {
	switch {
	case a.System:
		return "system"
	case a.User != "":
		return string(a.User)
	case a.Candidate != "":
		return string(a.Candidate)
	}
	return "anonymous"
}
