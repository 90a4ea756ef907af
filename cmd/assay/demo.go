package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"assay"
	"assay/questions"
	"assay/storage"
	"assay/web"
	"assay/web/auth"
)

// demo is what a person needs to walk through all three journeys. It is kept in the data folder, readable by its owner only, so
// that a later start can print it again: links and one-time passwords are nowhere in the database in clear.
type demo struct {
	Candidate string       `json:"candidate"` // path of the invitation, from the base URL on
	People    []demoPerson `json:"people"`
}

type demoPerson struct {
	Name     string       `json:"name"`
	Email    string       `json:"email"`
	Roles    []assay.Role `json:"roles"`
	Password string       `json:"password"`
	ID       assay.UserID `json:"id"`
}

var demoPeople = []demoPerson{
	{Name: "Ana Iyer", Email: "ana@demo.example", Roles: []assay.Role{assay.RoleInterviewer}},
	{Name: "Ben Okafor", Email: "ben@demo.example", Roles: []assay.Role{assay.RoleInterviewer}},
	{Name: "Rita Lindqvist", Email: "rita@demo.example", Roles: []assay.Role{assay.RoleRecruiter}},
	{Name: "Hugo Marchetti", Email: "hugo@demo.example", Roles: []assay.Role{assay.RoleHiringManager}},
	{Name: "Chi Tanaka", Email: "chi@demo.example", Roles: []assay.Role{assay.RoleCommittee}},
	{Name: "Ada Novak", Email: "ada@demo.example", Roles: []assay.Role{assay.RoleAuthor}},
	{Name: "Omar Haddad", Email: "omar@demo.example", Roles: []assay.Role{assay.RoleAdmin}},
}

// loadDemo fills an empty database, and prints how to get in. A database that has people in it is left alone.
func loadDemo(ctx context.Context, a *app, site *web.Server) error {
	file := filepath.Join(a.cfg.Data, "demo.json")
	db := site.DB
	users, err := db.Users(ctx)
	if err != nil {
		return err
	}
	var d demo
	if len(users) > 0 {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // people's own data, not a demo
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &d); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	} else {
		if d, err = makeDemo(ctx, site); err != nil {
			return err
		}
		b, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			return err
		}
	}
	return printDemo(ctx, a, db, d, site.BaseURL)
}

func printDemo(ctx context.Context, a *app, db *storage.DB, d demo, base string) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\nThe demo\n  candidate      %s%s\n  staff          %s/login\n", base, d.Candidate, base)
	for _, p := range d.People {
		note := "one-time password " + p.Password
		if user, err := db.User(ctx, p.ID); err == nil && !user.MustChange {
			note = "password was changed by them (assay user password " + p.Email + ")"
		}
		fmt.Fprintf(&out, "  %-14s %-18s %s\n", p.Roles[0], p.Email, note)
	}
	fmt.Fprintln(&out)
	_, err := out.WriteTo(a.stdout)
	return err
}

// makeDemo is one opening for a senior, one kit with every graded question of the bank, one loop and one open invitation.
func makeDemo(ctx context.Context, site *web.Server) (demo, error) {
	db := site.DB
	d := demo{People: append([]demoPerson(nil), demoPeople...)}
	byRole := map[assay.Role]assay.UserID{}
	var panel []assay.UserID
	for i := range d.People {
		p := &d.People[i]
		password, hash, err := oneTimePassword()
		if err != nil {
			return d, err
		}
		user := assay.User{ID: assay.NewUserID(), Email: p.Email, Name: p.Name, Roles: p.Roles, PasswordHash: hash, MustChange: true}
		if err := db.CreateUser(ctx, assay.Actor{System: true}, &user); err != nil {
			return d, fmt.Errorf("create %s: %w", p.Email, err)
		}
		p.Password, p.ID = password, user.ID
		byRole[p.Roles[0]] = user.ID
		if p.Roles[0] == assay.RoleInterviewer {
			panel = append(panel, user.ID)
		}
	}
	recruiter := assay.Actor{User: byRole[assay.RoleRecruiter], Roles: []assay.Role{assay.RoleRecruiter}}

	opening := assay.Opening{ID: assay.NewOpeningID(), Title: "ML Engineer, Ranking", Level: assay.LevelSenior,
		HiringManager: byRole[assay.RoleHiringManager], CreatedBy: recruiter.User}
	if err := db.CreateOpening(ctx, recruiter, &opening); err != nil {
		return d, fmt.Errorf("create the opening: %w", err)
	}
	kit := demoKit(site.Bank, recruiter.User)
	if err := db.CreateKit(ctx, recruiter, &kit); err != nil {
		return d, fmt.Errorf("create the kit: %w", err)
	}
	candidate := assay.Candidate{ID: assay.NewCandidateID(), Name: "Sam Rivera", Email: "sam@candidate.example"}
	loop := assay.Loop{ID: assay.NewLoopID(), OpeningID: opening.ID, CandidateID: candidate.ID, Status: assay.CaseGathering,
		Committee: []assay.UserID{byRole[assay.RoleCommittee]}, CreatedBy: recruiter.User}
	if err := db.CreateLoop(ctx, recruiter, &loop, &candidate); err != nil {
		return d, fmt.Errorf("create the loop: %w", err)
	}

	now := db.Now()
	interview := assay.Interview{ID: assay.NewInterviewID(), LoopID: loop.ID, CandidateID: candidate.ID, KitID: kit.ID,
		Status: assay.InterviewScheduled, Kind: "take_home", WindowStart: now.Add(-time.Minute), WindowEnd: now.Add(14 * 24 * time.Hour),
		CreatedBy: recruiter.User}
	if err := site.Arrange(ctx, recruiter, &interview, 0, 0); err != nil {
		return d, err
	}
	for _, id := range panel {
		seat := assay.Panelist{InterviewID: interview.ID, UserID: id, Participation: "interviewer", DueAt: now.Add(48 * time.Hour)}
		if err := db.SetPanelist(ctx, recruiter, seat); err != nil {
			return d, fmt.Errorf("staff the panel: %w", err)
		}
	}
	token, hash := auth.NewToken()
	if _, err := db.Invite(ctx, recruiter, interview.ID, hash, interview.WindowEnd); err != nil {
		return d, fmt.Errorf("invite: %w", err)
	}
	d.Candidate = "/i/" + token
	return d, nil
}

// demoKit uses one question of each graded kind, in the bank's order.
func demoKit(bank *questions.Bank, by assay.UserID) assay.Kit {
	kit := assay.Kit{ID: assay.NewKitID(), Slug: "ml-engineering-tour", Version: 1, Title: "ML engineering, five rounds in one sitting",
		Level: assay.LevelSenior, Focus: []string{"C2", "C5", "C6"}, AIPolicy: assay.AIDocs, Results: assay.ResultsPublic, CreatedBy: by,
		Guide: "Watch for the order of work: inspect, smallest experiment, one change at a time.\n\n" +
			"- **First ten minutes**: what do they read before they write?\n" +
			"- **Probe**: “What would change your mind about this result?”\n" +
			"- **Red flag**: tuning until the public checks pass, with no account of why.\n"}
	seen := map[assay.Kind]bool{}
	for _, q := range bank.Questions() {
		if q.Kind.Graded() && q.Status == "ready" && !seen[q.Kind] {
			seen[q.Kind] = true
			kit.Questions = append(kit.Questions, assay.KitQuestion{Slug: q.Slug, Minutes: q.Minutes})
			kit.Minutes += q.Minutes
		}
	}
	return kit
}
