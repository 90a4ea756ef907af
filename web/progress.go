package web

import (
	"context"
	"fmt"
	"strings"

	"assay"
	"assay/storage"
	"assay/web/view"
)

// progress is what has been read of an attempt's live events. Reading goes on where it stopped; a new attempt starts afresh.
type progress struct {
	attempt assay.AttemptID
	after   int64
	phase   string
	log     tail
	cut     bool
	checks  []assay.Check
	names   []string
	series  map[string]*assay.Series
}

const (
	eventBatch = 1000
	liveLog    = 48 << 10 // bytes of output that a live card carries; the page of the submission has the whole log
	liveCurves = 8
)

func (p *progress) read(ctx context.Context, db *storage.DB, attempt assay.AttemptID) error {
	if p.attempt != attempt {
		*p = progress{attempt: attempt, series: map[string]*assay.Series{}}
	}
	for {
		events, err := db.Events(ctx, attempt, p.after, eventBatch)
		if err != nil {
			return fmt.Errorf("read the events of %s: %w", attempt, err)
		}
		for _, e := range events {
			p.add(e)
		}
		if len(events) < eventBatch {
			return nil
		}
	}
}

func (p *progress) add(e assay.Event) {
	p.after = max(p.after, e.ID)
	switch e.Kind {
	case assay.EventPhase:
		p.phase = e.Text
	case assay.EventLog:
		p.cut = p.log.add(cleanText(e.Text)) || p.cut
	case assay.EventMetric:
		s := p.series[e.Name]
		if s == nil {
			if len(p.names) >= liveCurves {
				return
			}
			s = &assay.Series{Name: e.Name}
			p.series[e.Name] = s
			p.names = append(p.names, e.Name)
		}
		s.X, s.Y = append(s.X, e.Step), append(s.Y, e.Value)
	case assay.EventCheck:
		if e.Check == nil || e.Check.Show != assay.ShowPublic && e.Check.Show != "" {
			return
		}
		for i := range p.checks {
			if p.checks[i].ID == e.Check.ID {
				p.checks[i] = *e.Check
				return
			}
		}
		p.checks = append(p.checks, *e.Check)
	}
}

func (p *progress) plots(id string) []view.Plot {
	var all []assay.Series
	for _, n := range p.names {
		all = append(all, *p.series[n])
	}
	return seriesPlots(id, all)
}

// seriesPlots draws curves whose names share a beginning ("loss/train", "loss/valid") in one plot.
func seriesPlots(id string, all []assay.Series) []view.Plot {
	var out []view.Plot
	at := map[string]int{}
	for n, s := range all {
		group, name, ok := strings.Cut(s.Name, "/")
		if !ok {
			name = s.Name
		}
		key := group + "|" + s.Unit
		k, known := at[key]
		if !known {
			if k = len(out); k == liveCurves {
				break
			}
			at[key] = k
			out = append(out, view.Plot{ID: fmt.Sprintf("plot-%s-%d", id, n), Title: group, XLabel: "step", YLabel: group, Unit: s.Unit, Small: true})
		}
		out[k].Series = append(out[k].Series, view.PlotSeries{Name: name, X: s.X, Y: s.Y})
	}
	return out
}

// tail keeps the last part of a growing text, cut at a line.
type tail struct{ b []byte }

// add appends and reports whether something fell off the front.
func (t *tail) add(s string) bool {
	t.b = append(t.b, s...)
	if len(t.b) <= 2*liveLog {
		return false
	}
	keep := t.b[len(t.b)-liveLog:]
	if i := strings.IndexByte(string(keep), '\n'); i >= 0 {
		keep = keep[i+1:]
	}
	t.b = append([]byte(nil), keep...)
	return true
}

func (t *tail) String() string { return string(t.b) }
