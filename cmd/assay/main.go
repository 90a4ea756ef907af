// Command assay is the whole product in one binary: web pages, grading workers, or both in one process (the default), and the
// commands of authors, operators and committee members.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"assay"

	"github.com/alecthomas/kong"
)

// build names this build in reports and packets; the Makefile sets it from git.
var build = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// cli is the list of subcommands. Settings come from ASSAY_… variables; flags override them.
type cli struct {
	Settings settings `embed:""`

	Serve    serveCmd    `cmd:"" help:"Serve pages and grade submissions (both by default)."`
	Doctor   doctorCmd   `cmd:"" help:"Say what is missing around Assay, and how to mend it."`
	Question questionCmd `cmd:"" help:"Write, check and list questions."`
	Packet   packetCmd   `cmd:"" help:"Verify a hiring packet, offline."`
	User     userCmd     `cmd:"" help:"Create people and reset their passwords."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database to this version's schema."`
	Audit    auditCmd    `cmd:"" help:"Check the audit log's hash chain."`
	Config   configCmd   `cmd:"" help:"Print the settings in force, without secrets."`
	Bench    benchCmd    `cmd:"" help:"Measure click to verdict beside docker run, in one go."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// app is what a subcommand gets: its surroundings, and the settled configuration.
type app struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	cfg    Config
	log    *slog.Logger
}

// exitError ends the program with a code and nothing more to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// run is the program: it returns 0, 1 for a failure, 2 for a wrong command line or configuration.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	var c cli
	type quit int
	defer func() {
		if r := recover(); r != nil {
			q, ok := r.(quit)
			if !ok {
				panic(r)
			}
			code = int(q)
		}
	}()
	parser, err := kong.New(&c,
		kong.Name("assay"),
		kong.Description("Interviews for machine-learning engineers, run by yourself. Start with “assay doctor”, then “assay serve”."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(quit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Vars{"roles": joinRoles()},
	)
	if err != nil {
		fmt.Fprintln(stderr, "assay:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "assay: %v\nTry “assay --help”.\n", err)
		return 2
	}
	cfg, complaints := c.Settings.settle(env)
	if len(complaints) > 0 {
		fmt.Fprintf(stderr, "assay: %s in the configuration:\n", plural(len(complaints), "fault"))
		for _, what := range complaints {
			fmt.Fprintln(stderr, "  "+what)
		}
		return 2
	}
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, cfg: cfg, log: newLogger(stderr, cfg)}
	if err := parsed.Run(a); err != nil {
		if exit, ok := errors.AsType[exitError](err); ok {
			return int(exit)
		}
		a.complain(err)
		return 1
	}
	return 0
}

// complain prints what a person can act on first, and the rest of the chain below it.
func (a *app) complain(err error) {
	fmt.Fprintf(a.stderr, "assay: %v\n", err)
	for field, what := range assay.ErrorFields(err) {
		fmt.Fprintf(a.stderr, "  %s: %s\n", field, what)
	}
}

func newLogger(w io.Writer, cfg Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func joinRoles() string {
	var names []string
	for _, r := range assay.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	fmt.Fprintln(a.stdout, "assay", build)
	return nil
}

type configCmd struct{}

func (configCmd) Run(a *app) error {
	a.cfg.print(a.stdout)
	return nil
}
