package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium for a test; each person gets a tab with cookies of their own.
type browser struct {
	t   *testing.T
	ctx context.Context
	axe string
}

// needBrowser skips, or fails when the surroundings promise a browser.
func needBrowser(t *testing.T) *browser {
	t.Helper()
	if os.Getenv("ASSAY_TEST_BROWSER") != "1" {
		t.Skip("needs Chromium: set ASSAY_TEST_BROWSER=1")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is a development dependency of web/package.json: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-dev-shm-usage", "true"), chromedp.Flag("disable-quic", "true"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t: t, ctx: ctx, axe: string(axe)}
}

// tab is one person's window. Every step fails the test with a picture of what was there instead.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	who  string
	axe  string

	mu      sync.Mutex
	console []string
}

// as opens a window with its own cookies for a person.
func (b *browser) as(who, base string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	b.t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatal(err)
	}
	w := &tab{t: b.t, ctx: ctx, base: base, who: who, axe: b.axe}
	w.size(1440, "light")
	questions := chromedp.Events(ctx, page.JavascriptDialogOpening)
	go func() {
		for _, err := range questions {
			if err != nil {
				return
			}
			chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}
	}()
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			w.mu.Lock()
			w.console = append(w.console, m.Text)
			w.mu.Unlock()
		}
	}()
	return w
}

func (w *tab) fail(format string, args ...any) {
	w.t.Helper()
	url, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string]("location.href"))
	text, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string]("document.body.innerText.slice(0, 1500)"))
	if shot, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot()); err == nil {
		path := filepath.Join(os.TempDir(), "assay-failed-"+strings.ReplaceAll(w.t.Name(), "/", "-")+".png")
		if os.WriteFile(path, shot, 0o600) == nil {
			w.t.Logf("a picture of it: %s", path)
		}
	}
	w.t.Fatalf("%s at %s: %s\n--- the page says:\n%s", w.who, url, fmt.Sprintf(format, args...), text)
}

func (w *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	for _, a := range actions {
		if _, err := chromedp.Run(ctx, a); err != nil {
			w.fail("%s: %v", what, err)
		}
	}
}

// open goes to a path of the server, or to a whole URL.
func (w *tab) open(path string) {
	w.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = w.base + path
	}
	w.do("open "+path, chromedp.Navigate(path))
}

// click clicks what the selector finds, and waits for nothing: say what should be there next with see.
func (w *tab) click(css string) {
	w.t.Helper()
	w.do("click "+css, chromedp.ScrollIntoView(chromedp.CSS(css)), chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
}

// go to another page by clicking, and wait until it has loaded.
func (w *tab) follow(css string) {
	w.t.Helper()
	w.do("wait for "+css, chromedp.WaitVisible(chromedp.CSS(css)))
	before := w.eval(`String(performance.timeOrigin)`)
	w.click(css)
	w.until("a new page after "+css, `String(performance.timeOrigin) !== "`+before+`" && document.readyState === "complete"`)
}

// press clicks the button or link with these words.
func (w *tab) press(words string) {
	w.t.Helper()
	w.until("something to press that says “"+words+"”", mark(words)+` !== null`)
	w.follow(`[data-test-pressed]`)
}

// tap is press for what does not leave the page.
func (w *tab) tap(words string) {
	w.t.Helper()
	w.until("something to press that says “"+words+"”", mark(words)+` !== null`)
	w.click(`[data-test-pressed]`)
}

// mark is a script that finds a visible button or link by its words and marks it.
func mark(words string) string {
	return fmt.Sprintf(`(() => {
		document.querySelectorAll("[data-test-pressed]").forEach(e => e.removeAttribute("data-test-pressed"));
		const found = [...document.querySelectorAll("button, a, summary, input[type=submit]")].find(e =>
			(e.innerText || e.value || "").trim().replace(/\s+/g, " ").startsWith(%q) && e.checkVisibility() && !e.disabled);
		if (found) found.setAttribute("data-test-pressed", "");
		return found || null;
	})()`, words)
}

// fill replaces the text of a field as a person would: go there, select all, type.
func (w *tab) fill(css, value string) {
	w.t.Helper()
	w.do("fill "+css, chromedp.WaitVisible(chromedp.CSS(css)), chromedp.Focus(chromedp.CSS(css)),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	if _, err := chromedp.Call(w.ctx, input.InsertText, input.InsertTextParams{Text: value}); err != nil {
		w.fail("type into %s: %v", css, err)
	}
}

// set gives a select, checkbox, radio or hidden field its value and tells the page.
func (w *tab) set(css, value string) {
	w.t.Helper()
	w.eval(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) return "missing";
		if (e.type === "checkbox" || e.type === "radio") e.checked = %q !== ""; else e.value = %q;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return "";
	})()`, css, value, value))
}

// see waits until the page shows these words.
func (w *tab) see(words string) {
	w.t.Helper()
	w.until("“"+words+"”", fmt.Sprintf(`document.body.innerText.toLowerCase().includes(%q)`, strings.ToLower(words)))
}

// seeNot fails when the page's whole source, shown or not, has these words.
func (w *tab) seeNot(words string) {
	w.t.Helper()
	if strings.Contains(w.eval(`document.documentElement.outerHTML`), words) {
		w.fail("the page has %q, which this person must not see", words)
	}
}

// until waits for a script to be true.
func (w *tab) until(what, script string) {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		got, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		if err == nil && got {
			return
		}
		if time.Now().After(deadline) || w.ctx.Err() != nil {
			w.fail("waited for %s", what)
		}
		chromedp.Do(w.ctx, chromedp.Sleep(50*time.Millisecond))
	}
}

func (w *tab) eval(script string) string {
	w.t.Helper()
	got, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		w.fail("evaluate %.80s: %v", script, err)
	}
	return got
}

// clean fails on anything in the console: a content-security violation, an exception, a missing file.
func (w *tab) clean() {
	w.t.Helper()
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.console {
		if line == settled {
			continue
		}
		w.t.Errorf("%s's console: %s", w.who, line)
	}
	w.console = nil
}

const settled = "everything before this has been heard"

// settle waits until all that the page has said so far has arrived.
func (w *tab) settle() {
	w.t.Helper()
	w.eval(`(console.log("` + settled + `"), "")`)
	for heard := false; !heard; {
		w.mu.Lock()
		heard = slices.Contains(w.console, settled)
		w.mu.Unlock()
		if !heard && chromedp.Do(w.ctx, chromedp.Sleep(10*time.Millisecond)) != nil {
			return
		}
	}
}

// accessible runs axe over the page as it is.
func (w *tab) accessible() {
	w.t.Helper()
	w.clean() // what axe itself does to the page afterwards is not the page's fault
	if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](w.axe+";true")); err != nil {
		w.fail("inject axe: %v", err)
	}
	found, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v =>
		v.id + " (" + v.impact + "): " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | ")).join("\n"))`, chromedp.EvalAwaitPromise))
	if err != nil {
		w.fail("run axe: %v", err)
	}
	w.settle()
	w.mu.Lock()
	w.console = nil
	w.mu.Unlock()
	if found != "" {
		w.t.Errorf("%s: axe at %s:\n%s", w.who, w.eval("location.pathname"), found)
	}
}

// size makes the window so wide, in light or dark colours.
func (w *tab) size(width int, scheme string) {
	w.t.Helper()
	w.do("resize", chromedp.EmulateViewport(int64(width), 900))
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	if err != nil {
		w.fail("choose colours: %v", err)
	}
}

// taken are the screens that there are pictures of: two interviewers see the same ones.
var taken = map[string]bool{}

// shot keeps a picture of the page at three widths, light and dark, when pictures are wanted.
func (w *tab) shot(name string) {
	w.t.Helper()
	folder := os.Getenv("ASSAY_TEST_SCREENSHOTS")
	if folder == "" || taken[name] {
		return
	}
	taken[name] = true
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1440, 1024, 390} {
			w.size(width, scheme)
			chromedp.Do(w.ctx, chromedp.Sleep(150*time.Millisecond))
			png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				w.fail("take a picture: %v", err)
			}
			path := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
			if err := os.WriteFile(path, png, 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.size(1440, "light")
}
