package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

type doctorCmd struct{}

// finding is one thing that the doctor looked at. Mend is what to do about it, empty when all is well.
type finding struct {
	What  string
	State string // ok | note | broken
	Saw   string
	Mend  string
}

// Run looks at everything, always, and exits 1 when something is broken. It changes nothing but a probe file.
func (doctorCmd) Run(a *app) error {
	ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
	defer cancel()
	var findings []finding
	findings = append(findings, a.examineDocker(ctx)...)
	findings = append(findings, a.examineDatabase(ctx), a.examineBank(), a.examineDisk(), examineFonts(), examineChromium())
	broken := 0
	for _, f := range findings {
		mark := map[string]string{"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}[f.State]
		fmt.Fprintf(a.stdout, "%s  %-28s %s\n", mark, f.What, f.Saw)
		if f.Mend != "" {
			fmt.Fprintf(a.stdout, "%38smend: %s\n", "", f.Mend)
		}
		if f.State == "broken" {
			broken++
		}
	}
	if broken > 0 {
		fmt.Fprintf(a.stdout, "\n%s to mend before Assay can grade.\n", plural(broken, "thing"))
		return exitError(1)
	}
	fmt.Fprintln(a.stdout, "\nAssay has what it needs.")
	return nil
}

func (a *app) examineDocker(ctx context.Context) []finding {
	box, err := a.openSandbox(ctx)
	if err != nil {
		return []finding{{"sandbox", "broken", err.Error(), "see docs/operating.md"}}
	}
	defer box.Close()
	var out []finding
	for _, f := range box.Probe(ctx) {
		state := "ok"
		if !f.OK {
			state = "broken"
		}
		out = append(out, finding{What: f.What, State: state, Saw: f.Text, Mend: f.Mend})
	}
	return out
}

func (a *app) examineDatabase(ctx context.Context) finding {
	f := finding{What: "database", State: "ok"}
	db, err := a.openStorage()
	if err != nil {
		f.State, f.Saw = "broken", err.Error()
		f.Mend = "check ASSAY_DATABASE (" + a.cfg.redactedDatabase() + "): is the server up, is the folder writable?"
		return f
	}
	defer db.Close()
	if err := db.Ping(ctx); err != nil {
		f.State, f.Saw, f.Mend = "broken", err.Error(), "check ASSAY_DATABASE"
		return f
	}
	f.Saw = a.cfg.redactedDatabase() + ", schema up to date"
	return f
}

func (a *app) examineBank() finding {
	bank, err := a.openBank()
	if err != nil {
		return finding{"bank", "broken", err.Error(), "run assay question lint"}
	}
	return finding{What: "bank", State: "ok", Saw: plural(len(bank.Questions()), "question")}
}

// examineDisk wants room for blobs and databases: below 1 GiB is broken, below 5 GiB a note.
func (a *app) examineDisk() finding {
	f := finding{What: "disk", State: "ok"}
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return finding{"disk", "broken", err.Error(), "make " + a.cfg.Data + " writable, or set ASSAY_DATA"}
	}
	probe := filepath.Join(a.cfg.Data, ".doctor")
	if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
		return finding{"disk", "broken", err.Error(), "make " + a.cfg.Data + " writable, or set ASSAY_DATA"}
	}
	os.Remove(probe)
	var stat unix.Statfs_t
	if err := unix.Statfs(a.cfg.Data, &stat); err != nil {
		return finding{"disk", "broken", err.Error(), "check the file system of " + a.cfg.Data}
	}
	gib := float64(stat.Bavail) * float64(stat.Bsize) / (1 << 30)
	f.Saw = fmt.Sprintf("%.1f GiB free for %s", gib, a.cfg.Data)
	switch {
	case gib < 1:
		f.State, f.Mend = "broken", "free some space: submissions and packets are kept here"
	case gib < 5:
		f.State, f.Mend = "note", "room for a while; images and packets grow"
	}
	return f
}

func examineFonts() finding {
	for _, pattern := range []string{"/usr/share/fonts/*/noto/NotoSans-Regular.ttf", "/usr/share/fonts/*/NotoSans-Regular.ttf", "/usr/share/fonts/google-noto*/NotoSans-Regular.ttf"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return finding{What: "fonts", State: "ok", Saw: "Noto Sans"}
		}
	}
	return finding{"fonts", "note", "no Noto fonts; packets printed on this machine may lack some scripts", "apt-get install fonts-noto-core"}
}

func examineChromium() finding {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return finding{What: "chromium", State: "ok", Saw: path}
		}
	}
	return finding{"chromium", "note", "not installed; only the browser tests and printing to PDF need it", "apt-get install chromium"}
}
