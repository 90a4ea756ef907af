package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay"
)

// CreateUser adds a person; u gets its id. Conflict when the address is taken.
func (db *DB) CreateUser(ctx context.Context, actor assay.Actor, u *assay.User) error {
	if err := allow(actor, assay.ActManageUsers, assay.Facts{}); err != nil {
		return err
	}
	u.Email = address(u.Email)
	faults := map[string]string{}
	if !strings.Contains(u.Email, "@") {
		faults["email"] = "This is not a mail address."
	}
	if strings.TrimSpace(u.Name) == "" {
		faults["name"] = "A person needs a name."
	}
	if !knownRoles(u.Roles) {
		faults["roles"] = "There is no such role."
	}
	if err := assay.FieldErrors(faults); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		if taken, err := exists(t.DB, &assay.User{}, "email = ?", u.Email); err != nil {
			return err
		} else if taken {
			return &assay.Error{Code: assay.Conflict, Message: "There is already an account for " + u.Email + ".",
				Fields: map[string]string{"email": "There is already an account for this address."}}
		}
		if u.ID == "" {
			u.ID = assay.NewUserID()
		}
		u.CreatedAt = t.now
		if err := t.insert(u); err != nil {
			return fmt.Errorf("create user: %w", err)
		}
		return t.note("user.created", string(u.ID), "", details{"roles": roleNames(u.Roles)})
	})
}

func (db *DB) User(ctx context.Context, id assay.UserID) (assay.User, error) {
	return one[assay.User](db.read(ctx), "user", "id = ?", id)
}

// UserByEmail finds a person by mail address, whatever its capitals.
func (db *DB) UserByEmail(ctx context.Context, email string) (assay.User, error) {
	return one[assay.User](db.read(ctx), "user", "email = ?", address(email))
}

// Users returns everybody, disabled ones included, by name.
func (db *DB) Users(ctx context.Context) ([]assay.User, error) {
	return many[assay.User](db.read(ctx), "name, id", "1=1")
}

// SetPassword keeps a new password's hash. Everybody may change their own; others' only who manages users.
func (db *DB) SetPassword(ctx context.Context, actor assay.Actor, id assay.UserID, hash string, mustChange bool) error {
	if actor.User != id || id == "" {
		if err := allow(actor, assay.ActManageUsers, assay.Facts{}); err != nil {
			return err
		}
	}
	return db.changeUser(ctx, actor, id, map[string]any{"password_hash": hash, "must_change": mustChange}, "user.password_set", nil)
}

// SetRoles replaces a person's roles. Nobody takes the admin role from themselves: an installation must keep one.
func (db *DB) SetRoles(ctx context.Context, actor assay.Actor, id assay.UserID, roles []assay.Role) error {
	if err := allow(actor, assay.ActManageUsers, assay.Facts{}); err != nil {
		return err
	}
	if !knownRoles(roles) {
		return assay.FieldErrors(map[string]string{"roles": "There is no such role."})
	}
	if actor.User == id && !slices.Contains(roles, assay.RoleAdmin) {
		return assay.Errorf(assay.Conflict, "Another admin must take this role from you.")
	}
	j, err := asJSON(roles)
	if err != nil {
		return err
	}
	return db.changeUser(ctx, actor, id, map[string]any{"roles": j}, "user.roles_set", details{"roles": roleNames(roles)})
}

// DisableUser shuts a person out from now on. What they wrote stays.
func (db *DB) DisableUser(ctx context.Context, actor assay.Actor, id assay.UserID) error {
	if err := allow(actor, assay.ActManageUsers, assay.Facts{}); err != nil {
		return err
	}
	if actor.User == id {
		return assay.Errorf(assay.Conflict, "Another admin must disable your account.")
	}
	return db.changeUser(ctx, actor, id, map[string]any{"disabled_at": db.Now()}, "user.disabled", nil)
}

func (db *DB) changeUser(ctx context.Context, actor assay.Actor, id assay.UserID, columns map[string]any, act string, d details) error {
	return db.write(ctx, actor, func(t *tx) error {
		n, err := t.set(&assay.User{}, columns, "id = ?", id)
		if err != nil {
			return fmt.Errorf("change user %s: %w", id, err)
		}
		if n == 0 {
			return assay.Errorf(assay.NotFound, "No such user.")
		}
		return t.note(act, string(id), "", d)
	})
}

// loginFailure is one failed sign-in.
type loginFailure struct {
	ID    int64 `gorm:"primaryKey"`
	Email string
	IP    string
	At    time.Time
}

// LoginFailed remembers a failed sign-in for a day. It is not in the audit log, which strangers must not be able to fill.
func (db *DB) LoginFailed(ctx context.Context, email, ip string) error {
	return db.jot(ctx, assay.Actor{}, func(t *tx) error {
		if err := t.Where("at < ?", t.now.Add(-24*time.Hour)).Delete(&loginFailure{}).Error; err != nil {
			return fmt.Errorf("forget failed sign-ins: %w", err)
		}
		return t.insert(&loginFailure{Email: address(email), IP: ip, At: t.now})
	})
}

// LoginFailures counts failed sign-ins since then, to this address and from this IP; an empty one does not narrow the count.
func (db *DB) LoginFailures(ctx context.Context, email, ip string, since time.Time) (int, error) {
	g := db.read(ctx)
	if email != "" {
		g = g.Where("email = ?", address(email))
	}
	if ip != "" {
		g = g.Where("ip = ?", ip)
	}
	return count(g, &loginFailure{}, "at >= ?", stamp(since))
}

// LoginSucceeded forgets the failures that led up to it and notes the sign-in.
func (db *DB) LoginSucceeded(ctx context.Context, actor assay.Actor, email, ip string) error {
	return db.write(ctx, actor, func(t *tx) error {
		if err := t.Where("email = ? AND ip = ?", address(email), ip).Delete(&loginFailure{}).Error; err != nil {
			return fmt.Errorf("forget failed sign-ins: %w", err)
		}
		return t.note("user.signed_in", actor.Name(), "", nil)
	})
}

func address(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func knownRoles(roles []assay.Role) bool {
	for _, r := range roles {
		if !slices.Contains(assay.Roles, r) {
			return false
		}
	}
	return true
}

func roleNames(roles []assay.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " ")
}
