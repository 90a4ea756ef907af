package storage

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"assay"
)

// Draft returns what a candidate has typed for an item; NotFound until it is saved for the first time.
func (db *DB) Draft(ctx context.Context, id assay.ItemID) (assay.Draft, error) {
	return one[assay.Draft](db.read(ctx), "draft", "item_id = ?", id)
}

// SaveDraft keeps what the candidate has typed. base is the version it was made from, 0 for the first. When another tab saved in
// between, that is a Conflict, and the draft returned is the one that is kept. Saves are not in the audit log: they come with
// every pause in typing.
func (db *DB) SaveDraft(ctx context.Context, actor assay.Actor, id assay.ItemID, base int, files []assay.File) (d assay.Draft, err error) {
	err = db.jot(ctx, actor, func(t *tx) error {
		item, err := t.openItem(actor, id)
		if err != nil {
			return err
		}
		limit, err := maxSize(t.DB, item)
		if err != nil {
			return err
		}
		if err := assay.ValidateFiles(files, limit); err != nil {
			return err
		}
		// Of two first saves at once, one finds the row there and waits its turn at the update below.
		if err := t.Clauses(clause.OnConflict{DoNothing: true}).Create(&assay.Draft{ItemID: id, UpdatedAt: t.now}).Error; err != nil {
			return fmt.Errorf("save draft of %s: %w", id, err)
		}
		j, err := asJSON(files)
		if err != nil {
			return err
		}
		n, err := t.set(&assay.Draft{}, map[string]any{"version": base + 1, "files": j, "updated_at": t.now}, "item_id = ? AND version = ?", id, base)
		if err != nil {
			return fmt.Errorf("save draft of %s: %w", id, err)
		}
		if d, err = one[assay.Draft](t.DB, "draft", "item_id = ?", id); err != nil {
			return err
		}
		if n == 0 {
			return assay.Errorf(assay.Conflict, "This was changed in another tab in the meantime. Nothing is lost: both versions are there to compare.")
		}
		return nil
	})
	return d, err
}

// openItem reads an item that the actor may write to now.
func (t *tx) openItem(actor assay.Actor, id assay.ItemID) (assay.Item, error) {
	item, err := one[assay.Item](t.DB, "question in this interview", "id = ?", id)
	if err != nil {
		return item, err
	}
	i, err := one[assay.Interview](t.DB, "interview", "id = ?", item.InterviewID)
	if err != nil {
		return item, err
	}
	if err := sits(actor, i, false); err != nil {
		return item, err
	}
	if !i.Accepts(t.now) {
		return item, overError(i)
	}
	return item, nil
}

// maxSize is how many bytes the item's question allows.
func maxSize(g *gorm.DB, item assay.Item) (int64, error) {
	rev, err := revisionOf(g, item)
	return rev.Public.Question.MaxSize, err
}

func revisionOf(g *gorm.DB, item assay.Item) (assay.QuestionRevision, error) {
	return one[assay.QuestionRevision](g, "revision of this question", "slug = ? AND revision = ?", item.Slug, item.Revision)
}
