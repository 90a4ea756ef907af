package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox/grade"
)

// questionCmd is what authors use. It works on the bank that the settings name; without one, on questions/bank below the current
// folder, and where there is none, on the shipped bank.
type questionCmd struct {
	List   questionListCmd   `cmd:"" help:"List the questions of the bank."`
	Lint   questionLintCmd   `cmd:"" help:"Say everything that is wrong with a question as far as reading can tell."`
	Verify questionVerifyCmd `cmd:"" help:"Run every solution, the starter and the usual cheats through the sandbox."`
	New    questionNewCmd    `cmd:"" help:"Write a small question that works, to be made your own."`
}

const ownBank = "questions/bank"

// bankFolder is the bank as files, and where it lies; "" for the shipped one.
func (a *app) bankFolder() (fs.FS, string) {
	if a.cfg.Bank != "" {
		return os.DirFS(a.cfg.Bank), a.cfg.Bank
	}
	if info, err := os.Stat(ownBank); err == nil && info.IsDir() {
		return os.DirFS(ownBank), ownBank
	}
	return questions.Shipped(), ""
}

type questionListCmd struct {
	Kind  string `help:"Only this kind." placeholder:"KIND"`
	Level string `help:"Only questions for this level." placeholder:"LEVEL"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c questionListCmd) Run(a *app) error {
	folder, _ := a.bankFolder()
	bank, err := questions.Open(folder)
	if err != nil {
		return fmt.Errorf("read the question bank:\n%w", err)
	}
	list := bank.Questions()
	list = slices.DeleteFunc(list, func(q assay.Question) bool {
		return c.Kind != "" && string(q.Kind) != c.Kind || c.Level != "" && !slices.Contains(q.Levels, assay.Level(c.Level))
	})
	if c.JSON {
		return printJSON(a.stdout, list)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "QUESTION\tKIND\tLEVELS\tMINUTES\tSTATUS\tTITLE")
	for _, q := range list {
		levels := make([]string, len(q.Levels))
		for i, l := range q.Levels {
			levels[i] = string(l)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", q.Slug, q.Kind, strings.Join(levels, " "), q.Minutes, q.Status, q.Title)
	}
	return w.Flush()
}

type questionLintCmd struct {
	Slugs []string `arg:"" optional:"" name:"question" help:"Questions; all when none is named."`
	JSON  bool     `name:"json" help:"Print JSON."`
}

func (c questionLintCmd) Run(a *app) error {
	folder, where := a.bankFolder()
	slugs, err := pick(folder, c.Slugs)
	if err != nil {
		return err
	}
	all := []questions.Finding{}
	for _, slug := range slugs {
		for _, f := range questions.Lint(folder, slug) {
			f.File = join(where, slug, f.File)
			all = append(all, f)
		}
	}
	if c.JSON {
		if err := printJSON(a.stdout, all); err != nil {
			return err
		}
	} else {
		for _, f := range all {
			fmt.Fprintln(a.stdout, f)
		}
		if len(all) == 0 {
			fmt.Fprintf(a.stdout, "%s in order.\n", plural(len(slugs), "question"))
		}
	}
	if len(all) > 0 {
		return exitError(1)
	}
	return nil
}

type questionVerifyCmd struct {
	Slugs    []string `arg:"" optional:"" name:"question" help:"Questions."`
	All      bool     `help:"Every question of the bank."`
	Only     []string `help:"Only these rows, for instance accepted, starter, attack/sleeps." placeholder:"NAME"`
	Seeds    int      `default:"1" help:"Grade each solution with so many seeds." placeholder:"N"`
	Parallel int      `help:"Gradings at once; the number of cores by default." placeholder:"N"`
	JSON     bool     `name:"json" help:"Print JSON."`
	Verbose  bool     `short:"v" help:"Print what every check said of each miss."`
}

func (c questionVerifyCmd) Run(a *app) error {
	folder, where := a.bankFolder()
	if len(c.Slugs) == 0 && !c.All {
		return fmt.Errorf("name a question, or use --all")
	}
	slugs, err := pick(folder, c.Slugs)
	if err != nil {
		return err
	}
	box, err := a.openSandbox(a.ctx)
	if err != nil {
		return err
	}
	defer box.Close()

	reports := []grade.VerifyReport{}
	ok := true
	for _, slug := range slugs {
		sealed, findings, err := questions.Pack(folder, slug)
		if err != nil {
			return err
		}
		for _, f := range findings {
			f.File = join(where, slug, f.File)
			fmt.Fprintln(a.stderr, f)
		}
		if len(findings) > 0 {
			ok = false
			continue
		}
		report, err := grade.Verify(a.ctx, grade.VerifyOptions{
			Sealed: sealed, Runner: box, Only: c.Only, Seeds: seedNames(c.Seeds), Parallel: c.Parallel, Progress: progress(a.stderr),
		})
		if err != nil {
			return fmt.Errorf("verify %s: %w", slug, err)
		}
		reports = append(reports, report)
		ok = ok && report.OK()
	}
	if c.JSON {
		err = printJSON(a.stdout, reports)
	} else {
		err = c.table(a.stdout, reports)
	}
	if err == nil && !ok {
		return exitError(1)
	}
	return err
}

// progress prints one line for each row as it is done.
func progress(w io.Writer) func(grade.VerifyRow) {
	var mu sync.Mutex
	return func(r grade.VerifyRow) {
		mu.Lock()
		defer mu.Unlock()
		mark := "ok  "
		if !r.OK() {
			mark = "MISS"
		}
		fmt.Fprintf(w, "%s %s %s %s %s\n", mark, r.Slug, r.Name, r.Got, r.Took.Round(10*time.Millisecond))
	}
}

func (c questionVerifyCmd) table(out io.Writer, reports []grade.VerifyReport) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "QUESTION\tSOLUTION\tEXPECTED\tGOT\tSCORE\tCHECKS\tCPU\tTIME\t")
	misses := 0
	rows := 0
	for _, r := range reports {
		if len(r.Rows) == 0 {
			fmt.Fprintf(w, "%s\t(people judge it)\t\t\t\t\t\t\t\n", r.Slug)
		}
		for _, row := range r.Rows {
			rows++
			mark := ""
			if !row.OK() {
				misses++
				mark = "MISS"
			}
			name := row.Name
			if c.Seeds > 1 && row.Seed != "" {
				name += " @" + row.Seed
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.3f\t%d/%d\t%.2fs\t%.2fs\t%s\n",
				row.Slug, name, row.Expected, row.Got, row.Score, row.Passed, row.Checks, row.CPU.Seconds(), row.Took.Seconds(), mark)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		for _, row := range r.Rows {
			if row.OK() {
				continue
			}
			fmt.Fprintf(out, "\n%s %s:\n", row.Slug, row.Name)
			for i, m := range row.Misses {
				if i > 0 && !c.Verbose && i >= 12 {
					fmt.Fprintln(out, "  … (--verbose shows all)")
					break
				}
				fmt.Fprintln(out, "  "+strings.ReplaceAll(strings.TrimSpace(m), "\n", "\n    "))
			}
		}
	}
	fmt.Fprintf(out, "\n%s, %s, %d not as expected.\n", plural(len(reports), "question"), plural(rows, "row"), misses)
	return nil
}

// pick is the named questions, or all of a bank.
func pick(folder fs.FS, named []string) ([]string, error) {
	slugs, err := questions.Slugs(folder)
	if err != nil {
		return nil, fmt.Errorf("read the bank: %w", err)
	}
	if len(named) == 0 {
		return slugs, nil
	}
	for i, slug := range named {
		slug = strings.TrimSuffix(slug[strings.LastIndexByte(strings.TrimSuffix(slug, "/"), '/')+1:], "/") // a path is as good as a name
		if !slices.Contains(slugs, slug) {
			return nil, fmt.Errorf("there is no question %q in the bank; it has %s", named[i], strings.Join(slugs, ", "))
		}
		named[i] = slug
	}
	return named, nil
}

func seedNames(n int) []string {
	var out []string
	for i := range max(1, n) {
		out = append(out, fmt.Sprintf("verify-%d", i+1))
	}
	return out
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "/")
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

type questionNewCmd struct {
	Kind string `arg:"" help:"implement, debug, train, serve or data."`
	Slug string `arg:"" help:"Name of the folder: lower-case words joined by hyphens."`
	Dir  string `help:"Where to write it; the bank's folder by default." placeholder:"DIR"`
}

func (c questionNewCmd) Run(a *app) error {
	dir := c.Dir
	if dir == "" {
		_, dir = a.bankFolder()
	}
	if dir == "" {
		return fmt.Errorf("there is no folder to write to: name one with --dir, or set ASSAY_BANK")
	}
	if err := questions.New(assay.Kind(c.Kind), c.Slug, dir); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is there, a small question that works. Make it yours, then: assay question lint %s, assay question verify %s.\n",
		filepath.Join(dir, c.Slug), c.Slug, c.Slug)
	return nil
}
