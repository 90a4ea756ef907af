package main

import (
	"fmt"
	"slices"
	"strings"

	"assay"
	"assay/storage"
	"assay/web/auth"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Create a person and print a one-time password."`
	Password userPasswordCmd `cmd:"" help:"Give a person a new one-time password."`
	List     userListCmd     `cmd:"" help:"List people and their roles."`
}

type userAddCmd struct {
	Email string   `arg:"" help:"Mail address; it is the login name."`
	Name  string   `arg:"" help:"Name as others see it."`
	Roles []string `arg:"" help:"Roles: ${roles}."`
}

func (cmd userAddCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	defer db.Close()
	user, password, err := addUser(a, db, cmd.Email, cmd.Name, cmd.Roles)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s can log in at %s/login with %s and the one-time password %s\n", user.Name, a.cfg.BaseURL, user.Email, password)
	return nil
}

// addUser creates a user with a one-time password, which is returned and stored nowhere in clear.
func addUser(a *app, db *storage.DB, email, name string, roles []string) (assay.User, string, error) {
	user := assay.User{ID: assay.NewUserID(), Email: strings.ToLower(strings.TrimSpace(email)), Name: name, MustChange: true}
	for _, r := range roles {
		if !slices.Contains(assay.Roles, assay.Role(r)) {
			return user, "", assay.Errorf(assay.Invalid, "%q is not a role; those are %s.", r, joinRoles())
		}
		user.Roles = append(user.Roles, assay.Role(r))
	}
	password, hash, err := oneTimePassword()
	if err != nil {
		return user, "", err
	}
	user.PasswordHash = hash
	return user, password, db.CreateUser(a.ctx, assay.Actor{System: true}, &user)
}

func oneTimePassword() (password, hash string, err error) {
	password = auth.OneTimePassword()
	hash, err = auth.HashPassword(password)
	return password, hash, err
}

type userPasswordCmd struct {
	Email string `arg:"" help:"Whose password to reset."`
}

func (cmd userPasswordCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	defer db.Close()
	user, err := db.UserByEmail(a.ctx, strings.ToLower(cmd.Email))
	if err != nil {
		return err
	}
	password, hash, err := oneTimePassword()
	if err != nil {
		return err
	}
	if err := db.SetPassword(a.ctx, assay.Actor{System: true}, user.ID, hash, true); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "New one-time password of %s: %s\n", user.Email, password)
	return nil
}

type userListCmd struct{}

func (userListCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	defer db.Close()
	users, err := db.Users(a.ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		state := ""
		if u.DisabledAt != nil {
			state = "  (disabled)"
		}
		var roles []string
		for _, r := range u.Roles {
			roles = append(roles, string(r))
		}
		fmt.Fprintf(a.stdout, "%-32s %-24s %s%s\n", u.Email, u.Name, strings.Join(roles, ","), state)
	}
	return nil
}
