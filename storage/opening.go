package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay"
)

// CreateOpening adds an opening; o gets its id.
func (db *DB) CreateOpening(ctx context.Context, actor assay.Actor, o *assay.Opening) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	faults := map[string]string{}
	if strings.TrimSpace(o.Title) == "" {
		faults["title"] = "An opening needs a title."
	}
	if !slices.Contains(assay.Levels, o.Level) {
		faults["level"] = "Choose a level."
	}
	if err := assay.FieldErrors(faults); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		if o.HiringManager != "" {
			if _, err := one[assay.User](t.DB, "hiring manager", "id = ?", o.HiringManager); err != nil {
				return err
			}
		}
		if o.ID == "" {
			o.ID = assay.NewOpeningID()
		}
		o.CreatedBy, o.CreatedAt, o.ClosedAt = actor.User, t.now, nil
		if err := t.insert(o); err != nil {
			return fmt.Errorf("create opening: %w", err)
		}
		return t.note("opening.created", string(o.ID), "", nil)
	})
}

func (db *DB) Opening(ctx context.Context, id assay.OpeningID) (assay.Opening, error) {
	return one[assay.Opening](db.read(ctx), "opening", "id = ?", id)
}

// Openings returns the openings that the actor may know of, the newest first: all of them to who recruits, their own to hiring
// managers, those of their loops to others.
func (db *DB) Openings(ctx context.Context, actor assay.Actor) ([]assay.Opening, error) {
	const newest = "created_at DESC, id DESC"
	if allow(actor, assay.ActManageLoop, assay.Facts{}) == nil {
		return many[assay.Opening](db.read(ctx), newest, "1=1")
	}
	if actor.User == "" {
		return nil, allow(actor, assay.ActSeeLoop, assay.Facts{})
	}
	return many[assay.Opening](db.read(ctx), newest, `hiring_manager_id = ? OR id IN (SELECT opening_id FROM loops WHERE committee LIKE ?
		OR id IN (SELECT i.loop_id FROM interviews i JOIN panelists p ON p.interview_id = i.id WHERE p.user_id = ?))`,
		actor.User, committeeLike(actor.User), actor.User)
}

// CloseOpening ends an opening; its loops stay.
func (db *DB) CloseOpening(ctx context.Context, actor assay.Actor, id assay.OpeningID) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		if _, err := one[assay.Opening](t.DB, "opening", "id = ?", id); err != nil {
			return err
		}
		n, err := t.set(&assay.Opening{}, map[string]any{"closed_at": t.now}, "id = ? AND closed_at IS NULL", id)
		if err != nil {
			return fmt.Errorf("close opening %s: %w", id, err)
		}
		if n == 0 {
			return assay.Errorf(assay.Conflict, "This opening is closed already.")
		}
		return t.note("opening.closed", string(id), "", nil)
	})
}

// CreateKit adds a kit, or the next version of one when there is a kit with its slug. k gets its id and version.
func (db *DB) CreateKit(ctx context.Context, actor assay.Actor, k *assay.Kit) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil && !actor.Has(assay.RoleAuthor) {
		return err
	}
	faults := map[string]string{}
	if k.Slug == "" || strings.Trim(k.Slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		faults["slug"] = "Lower-case letters, digits and hyphens."
	}
	if strings.TrimSpace(k.Title) == "" {
		faults["title"] = "A kit needs a title."
	}
	if len(k.Questions) == 0 {
		faults["questions"] = "A kit needs at least one question."
	}
	if len(k.Focus) > 3 {
		faults["focus"] = "At most three competencies: nobody observes more in one interview."
	}
	if k.Minutes <= 0 {
		faults["minutes"] = "How long is the interview?"
	}
	if err := assay.FieldErrors(faults); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		var last assay.Kit
		if err := t.Where("slug = ?", k.Slug).Order("version DESC").Limit(1).Find(&last).Error; err != nil {
			return fmt.Errorf("create kit: %w", err)
		}
		if k.ID == "" {
			k.ID = assay.NewKitID()
		}
		k.Version, k.CreatedBy, k.CreatedAt = last.Version+1, actor.User, t.now
		if err := t.insert(k); err != nil {
			return fmt.Errorf("create kit: %w", err)
		}
		return t.note("kit.created", string(k.ID), "", details{"slug": k.Slug, "version": fmt.Sprint(k.Version)})
	})
}

func (db *DB) Kit(ctx context.Context, id assay.KitID) (assay.Kit, error) {
	return one[assay.Kit](db.read(ctx), "kit", "id = ?", id)
}

// Kits returns the latest version of each kit, by title.
func (db *DB) Kits(ctx context.Context) ([]assay.Kit, error) {
	return many[assay.Kit](db.read(ctx), "title, slug", "version = (SELECT MAX(version) FROM kits k WHERE k.slug = kits.slug)")
}
