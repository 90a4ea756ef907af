package grade

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay"
)

// Sink takes what a page may show live. It is called from one goroutine at a time with what gathered since the last call; it
// may be slow, and it may drop everything: an event is never the only record of anything.
type Sink func([]assay.Event)

// Bounds on what one attempt shows live and keeps.
const (
	flushEvery    = 150 * time.Millisecond
	maxLine       = 8 << 10
	maxLiveLog    = 256 << 10
	maxLiveMetric = 20_000
	maxPrinted    = 200 // checks that a program prints
	maxCurves     = 32
	maxCurve      = 2_000
	keepHead      = 16 << 10
	keepTail      = 48 << 10
)

// feed reads what the candidate's own container writes to its output and turns it into live events, curves, public checks and
// a log with head and tail. Nothing it reads can reach a score.
//
// It is an io.Writer that never fails and never keeps the program waiting for a page. Writes may come from several goroutines.
type feed struct {
	mu      sync.Mutex
	sink    Sink
	line    []byte // an unfinished line
	inLong  bool   // the rest of a line longer than maxLine is plain log
	secret  bool   // from now on the program knows hidden inputs: what it prints is for staff
	public  keeper
	staff   keeper
	pending []assay.Event
	text    strings.Builder // log text not yet in pending
	live    int             // bytes of log already sent
	metrics int             // metric events already sent
	curves  []*curve
	checks  []assay.Check // that the program printed, each id once with its latest word, in the order of their first
	wake    chan struct{}
	done    chan struct{}
	idle    sync.WaitGroup
}

// newFeed starts a feed; close ends it. A nil sink is allowed.
func newFeed(sink Sink) *feed {
	f := &feed{sink: sink, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if sink != nil {
		f.idle.Go(f.pump)
	}
	return f
}

// Write takes a piece of output.
func (f *feed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(p)
	if f.secret {
		f.staff.write(p)
		return n, nil
	}
	f.public.write(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			f.part(p)
			break
		}
		f.part(p[:i])
		f.endLine()
		p = p[i+1:]
	}
	f.nudge()
	return n, nil
}

// phase says what is being done now.
func (f *feed) phase(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event(assay.Event{Kind: assay.EventPhase, Text: text})
	f.nudge()
}

// hush is called before the first hidden input reaches the candidate's side. What its code prints from then on could be that
// input, so it is kept for staff and shown to nobody else.
func (f *feed) hush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.secret {
		f.endPart()
		f.secret = true
	}
}

// close sends what is left and waits until the sink has taken it.
func (f *feed) close() {
	f.end()
	close(f.done)
	f.idle.Wait()
}

// end takes a last line without a newline for a line, once the program has ended.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endPart()
}

// part takes a piece of a line that has not ended yet.
func (f *feed) part(p []byte) {
	if f.inLong {
		f.log(string(p))
		return
	}
	f.line = append(f.line, p...)
	if len(f.line) > maxLine {
		f.log(string(f.line))
		f.line, f.inLong = f.line[:0], true
	}
}

func (f *feed) endLine() {
	if f.inLong {
		f.inLong = false
		f.log("\n")
		return
	}
	line := strings.ToValidUTF8(strings.TrimSuffix(string(f.line), "\r"), "\ufffd")
	f.line = f.line[:0]
	if name, step, value, ok := parseMetric(line); ok {
		f.metric(name, step, value)
	} else if c, ok := parseCheck(line); ok {
		f.check(c)
	} else {
		f.log(line + "\n")
	}
}

// endPart gives out a last line without a newline.
func (f *feed) endPart() {
	if len(f.line) > 0 {
		f.endLine()
	}
}

func (f *feed) log(text string) {
	if f.sink == nil || f.live > maxLiveLog {
		return
	}
	text = safeText(text)
	f.live += len(text)
	f.text.WriteString(text)
	if f.live > maxLiveLog {
		f.text.WriteString("\n… more output is not shown live.\n")
	}
}

func (f *feed) metric(name string, step, value float64) {
	i := 0
	for i < len(f.curves) && f.curves[i].name != name {
		i++
	}
	if i == len(f.curves) {
		if i == maxCurves {
			return
		}
		f.curves = append(f.curves, &curve{name: name, stride: 1})
	}
	f.curves[i].add(step, value)
	if f.metrics++; f.metrics > maxLiveMetric {
		return
	}
	f.event(assay.Event{Kind: assay.EventMetric, Name: name, Step: step, Value: assay.Float(value)})
}

func (f *feed) check(c assay.Check) {
	i := slices.IndexFunc(f.checks, func(other assay.Check) bool { return other.ID == c.ID })
	switch {
	case i >= 0:
		f.checks[i] = c
	case len(f.checks) >= maxPrinted:
		return
	default:
		f.checks = append(f.checks, c)
	}
	f.event(assay.Event{Kind: assay.EventCheck, Check: &c})
}

// event queues e behind the log text that came before it.
func (f *feed) event(e assay.Event) {
	if f.sink == nil {
		return
	}
	f.gather()
	e.At = time.Now()
	f.pending = append(f.pending, e)
}

func (f *feed) gather() {
	if f.text.Len() > 0 {
		f.pending = append(f.pending, assay.Event{Kind: assay.EventLog, At: time.Now(), Text: f.text.String()})
		f.text.Reset()
	}
}

func (f *feed) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// pump hands events to the sink, the first at once and then at most one batch in flushEvery.
func (f *feed) pump() {
	for {
		select {
		case <-f.wake:
		case <-f.done:
			f.flush()
			return
		}
		f.flush()
		select {
		case <-time.After(flushEvery):
		case <-f.done:
			f.flush()
			return
		}
	}
}

func (f *feed) flush() {
	f.mu.Lock()
	f.gather()
	batch := f.pending
	f.pending = nil
	f.mu.Unlock()
	if len(batch) > 0 {
		f.sink(batch)
	}
}

// logs returns what may be shown to the candidate, and what only staff may read.
func (f *feed) logs() (public, staff string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.public.text(), f.staff.text()
}

// series returns the curves that the candidate's program printed.
func (f *feed) series() []assay.Series {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []assay.Series
	for _, c := range f.curves {
		all = append(all, assay.Series{Name: c.name, X: c.x, Y: c.y})
	}
	return all
}

// printed returns the public checks that the candidate's program reported.
func (f *feed) printed() []assay.Check {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.checks)
}

var metricName = regexp.MustCompile(`^[A-Za-z0-9_.:/@-]{1,64}$`)

// parseMetric reads "metric NAME STEP VALUE". NaN and infinities are values; a step is finite.
func parseMetric(line string) (name string, step, value float64, ok bool) {
	parts := strings.Fields(line)
	if len(line) > 512 || len(parts) != 4 || parts[0] != "metric" || !metricName.MatchString(parts[1]) {
		return "", 0, 0, false
	}
	step, err := strconv.ParseFloat(parts[2], 64)
	if err != nil || math.IsNaN(step) || math.IsInf(step, 0) {
		return "", 0, 0, false
	}
	value, err = strconv.ParseFloat(parts[3], 64)
	if err != nil && !math.IsInf(value, 0) { // 1e999 is an infinity
		return "", 0, 0, false
	}
	return parts[1], step, value, true
}

// parseCheck reads "check ID pass|fail MESSAGE", the line by which a public check tells its result.
func parseCheck(line string) (assay.Check, bool) {
	parts := strings.SplitN(line, " ", 4)
	if len(parts) < 3 || parts[0] != "check" || !metricName.MatchString(parts[1]) {
		return assay.Check{}, false
	}
	c := assay.Check{ID: parts[1], Show: assay.ShowPublic}
	switch parts[2] {
	case "pass":
		c.Status = assay.CheckPass
	case "fail":
		c.Status = assay.CheckFail
	default:
		return assay.Check{}, false
	}
	if len(parts) == 4 {
		c.Message = clip(safeText(parts[3]), maxMessage)
	}
	return c, true
}

// curve holds a metric in bounded room: when it is full, every second finite point goes and only every second later one is
// taken, so that it always spans the whole run. Values that are not finite stay as long as there is room.
type curve struct {
	name   string
	x      []float64
	y      []assay.Float
	stride int
	seen   int
}

func (c *curve) add(x, y float64) {
	c.seen++
	if finite(assay.Float(y)) && (c.seen-1)%c.stride != 0 {
		return
	}
	if len(c.x) >= maxCurve {
		c.thin()
	}
	c.x, c.y = append(c.x, x), append(c.y, assay.Float(y))
}

func (c *curve) thin() {
	n, finites := 0, 0
	for i := range c.x {
		if finite(c.y[i]) {
			if finites++; finites%2 == 0 {
				continue
			}
		}
		c.x[n], c.y[n] = c.x[i], c.y[i]
		n++
	}
	if n > maxCurve*3/4 { // hardly anything finite: keep the first half
		n = maxCurve / 2
	}
	c.x, c.y = c.x[:n], c.y[:n]
	c.stride *= 2
}

// keeper keeps the head and the tail of a text of any length.
type keeper struct {
	head  []byte
	tail  []byte // a ring once full
	at    int
	total int64
}

func (k *keeper) write(p []byte) {
	k.total += int64(len(p))
	if room := keepHead - len(k.head); room > 0 {
		take := min(room, len(p))
		k.head = append(k.head, p[:take]...)
		p = p[take:]
	}
	if len(p) > keepTail {
		p = p[len(p)-keepTail:]
	}
	if room := keepTail - len(k.tail); room > 0 {
		take := min(room, len(p))
		k.tail = append(k.tail, p[:take]...)
		p = p[take:]
	}
	for len(p) > 0 {
		n := copy(k.tail[k.at:], p)
		k.at = (k.at + n) % keepTail
		p = p[n:]
	}
}

func (k *keeper) text() string {
	tail := append(append([]byte(nil), k.tail[k.at:]...), k.tail[:k.at]...)
	if lost := k.total - int64(len(k.head)) - int64(len(tail)); lost > 0 {
		return safeText(string(k.head)) + fmt.Sprintf("\n… %d bytes left out …\n", lost) + safeText(string(tail))
	}
	return safeText(string(append(append([]byte(nil), k.head...), tail...)))
}
