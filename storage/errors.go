package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"

	"assay"
)

const (
	busyMessage = "The database is busy at the moment. Nothing you entered is lost; try again in a few seconds."
	fullMessage = "The server's disk is full, so nothing can be saved right now. Keep this page open; nothing you entered is lost."
	downMessage = "The database does not answer at the moment. Nothing you entered is lost; try again in a minute."
	twiceSaying = "This is there already."
	goneMessage = "It refers to something that is not there any more."
)

// coded gives a driver's error a code and a sentence; the driver's own words stay in the chain for the log. Errors that have a
// code keep it, and what it does not know stays as it is: Internal.
func coded(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*assay.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e := translate(err); e != nil {
		return fmt.Errorf("%w (%w)", e, err)
	}
	return err
}

func translate(err error) *assay.Error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return assay.Errorf(assay.NotFound, "It is not there.")
	}
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		return translateSQLite(e)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return translatePostgres(e)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return assay.Errorf(assay.Unavailable, downMessage)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return assay.Errorf(assay.Unavailable, downMessage)
	}
	return nil
}

func translateSQLite(e sqlite3.Error) *assay.Error {
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey:
		return assay.Errorf(assay.Conflict, twiceSaying)
	case sqlite3.ErrConstraintForeignKey:
		return assay.Errorf(assay.Invalid, goneMessage)
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return assay.Errorf(assay.Unavailable, busyMessage)
	case sqlite3.ErrFull:
		return assay.Errorf(assay.Unavailable, fullMessage)
	case sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrReadonly:
		return assay.Errorf(assay.Unavailable, downMessage)
	}
	return nil
}

func translatePostgres(e *pgconn.PgError) *assay.Error {
	switch e.Code {
	case "23505":
		return assay.Errorf(assay.Conflict, twiceSaying)
	case "23503":
		return assay.Errorf(assay.Invalid, goneMessage)
	case "22021", "22P05": // an id with a zero byte in it, from somebody's own URL
		return assay.Errorf(assay.Invalid, "There are characters in it that cannot be stored.")
	case "40001", "40P01", "55P03", "53300", "53200":
		return assay.Errorf(assay.Unavailable, busyMessage)
	case "53100":
		return assay.Errorf(assay.Unavailable, fullMessage)
	}
	if strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "58") {
		return assay.Errorf(assay.Unavailable, downMessage)
	}
	return nil
}
