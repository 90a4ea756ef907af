package main

import "fmt"

type migrateCmd struct{}

func (migrateCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "The database is at this version's schema.")
	return db.Close()
}

type auditCmd struct{}

func (auditCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	defer db.Close()
	broken, err := db.VerifyAudit(a.ctx)
	if err != nil {
		return fmt.Errorf("verify the audit log: %w", err)
	}
	if broken != 0 {
		fmt.Fprintf(a.stdout, "The audit log is broken at line %d: it or the line before it was altered.\n", broken)
		return exitError(1)
	}
	fmt.Fprintln(a.stdout, "The audit log is whole: every line follows from the one before it.")
	return nil
}
