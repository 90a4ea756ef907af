package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"assay"
)

// AddComment keeps an interviewer's remark on a line of a submitted file; c gets its id.
func (db *DB) AddComment(ctx context.Context, actor assay.Actor, c *assay.Comment) error {
	if err := byPerson(actor); err != nil {
		return err
	}
	faults := map[string]string{}
	if strings.TrimSpace(c.Body) == "" {
		faults["body"] = "There is nothing in it."
	}
	if utf8.RuneCountInString(c.Body) > assay.MaxComment {
		faults["body"] = fmt.Sprintf("At most %d characters.", assay.MaxComment)
	}
	if c.Line < 1 {
		faults["line"] = "Lines count from 1."
	}
	if err := assay.FieldErrors(faults); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		sub, i, err := t.submissionOf(c.SubmissionID)
		if err != nil {
			return err
		}
		f, err := interviewFacts(t.DB, actor, i)
		if err != nil {
			return err
		}
		if err := allow(actor, assay.ActComment, f); err != nil {
			return err
		}
		if !slices.ContainsFunc(sub.Files, func(f assay.StoredFile) bool { return f.Path == c.Path }) {
			return assay.FieldErrors(map[string]string{"path": "There is no such file in this submission."})
		}
		if c.ID == "" {
			c.ID = assay.NewCommentID()
		}
		c.AuthorID, c.CreatedAt = actor.User, t.now
		if err := t.insert(c); err != nil {
			return fmt.Errorf("comment on %s: %w", sub.ID, err)
		}
		return t.note("comment.added", string(c.ID), i.LoopID, details{"submission": string(sub.ID)})
	})
}

// Comments returns the remarks on a submission, file by file and line by line.
func (db *DB) Comments(ctx context.Context, id assay.SubmissionID) ([]assay.Comment, error) {
	return many[assay.Comment](db.read(ctx), "path, line, created_at, id", "submission_id = ?", id)
}
