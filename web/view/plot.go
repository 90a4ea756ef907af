package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"assay"
)

// Plot is a line plot. Its title states what is seen; curves carry their names beside them; what is not finite is marked as a gap
// and never dropped, since a run that diverged is the interesting one.
type Plot struct {
	ID             string // unique on the page
	Title          string
	XLabel, YLabel string
	Unit           string
	Series         []PlotSeries
	// From and To bound the y axis when both are set and different; otherwise the data do.
	From, To float64
	// Small plots stand in narrow panes: the same text size on a smaller drawing.
	Small bool
}

// PlotSeries is one curve. Kind is "" for the candidate's own, "baseline" (dashed grey) or "reference" (solid grey).
type PlotSeries struct {
	Name string
	Kind string
	X    []float64
	Y    []assay.Float
}

// PlotOf makes a plot of one series of a report.
func PlotOf(id string, s assay.Series) Plot {
	return Plot{ID: id, Title: s.Name, XLabel: "step", YLabel: s.Name, Unit: s.Unit, Series: []PlotSeries{{Name: s.Name, X: s.X, Y: s.Y}}}
}

const (
	plotLeft, plotTop, plotBottom = 56.0, 12.0, 34.0
	plotBuckets                   = 300
	tableRows                     = 60
)

// size is the drawing's width and height, and the room for labels on its right.
func (p Plot) size() (w, h, right float64) {
	if p.Small {
		return 400, 210, 52
	}
	return 720, 260, 84
}

// plotGeometry is a Plot worked out to coordinates.
type plotGeometry struct {
	curves   []plotCurve
	xs, ys   []plotTick
	w, h     float64
	right    float64 // where the axes end
	baseY    float64
	empty    bool
	summary  string
	overflow bool // the table shows a thinned-out list
	rows     [][]string
}

type plotCurve struct {
	class  string
	paths  []string
	points []plotPoint // lone points between gaps, and the last one
	gaps   []plotGap
	label  string
	lx, ly float64
}

type plotPoint struct{ x, y float64 }

type plotGap struct {
	x, y float64
	kind string // nan, up or down
	text string
}

type plotTick struct {
	at    float64
	label string
}

func (p Plot) geometry() plotGeometry {
	var g plotGeometry
	x0, x1 := math.Inf(1), math.Inf(-1)
	y0, y1 := math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for i := range min(len(s.X), len(s.Y)) {
			if !finite(s.X[i]) {
				continue
			}
			x0, x1 = min(x0, s.X[i]), max(x1, s.X[i])
			if y := float64(s.Y[i]); finite(y) {
				y0, y1 = min(y0, y), max(y1, y)
			}
		}
	}
	if math.IsInf(x0, 1) {
		g.empty = true
		g.summary = p.Title + ": no data yet"
		return g
	}
	if math.IsInf(y0, 1) { // nothing but gaps
		y0, y1 = 0, 1
	}
	if p.From != p.To {
		y0, y1 = p.From, p.To
	}
	x0, x1 = widen(x0, x1)
	y0, y1 = widen(y0, y1)
	yTicks := ticks(y0, y1, 5)
	if p.From == p.To {
		step := yTicks[1] - yTicks[0]
		y0, y1 = min(y0, math.Floor(y0/step)*step), max(y1, math.Ceil(y1/step)*step)
		yTicks = ticks(y0, y1, 5)
	}
	plotW, plotH, plotRight := p.size()
	px := func(x float64) float64 { return round1(plotLeft + (plotW-plotLeft-plotRight)*(x-x0)/(x1-x0)) }
	py := func(y float64) float64 {
		return round1(plotH - plotBottom - (plotH-plotTop-plotBottom)*(min(max(y, y0), y1)-y0)/(y1-y0))
	}
	for _, v := range ticks(x0, x1, xTicks(p.Small)) {
		g.xs = append(g.xs, plotTick{px(v), tickLabel(v)})
	}
	for _, v := range yTicks {
		g.ys = append(g.ys, plotTick{py(v), tickLabel(v)})
	}
	g.w, g.h, g.right, g.baseY = plotW, plotH, plotW-plotRight, plotH-plotBottom

	color := 0
	var said []string
	for _, s := range p.Series {
		c := plotCurve{label: s.Name}
		if s.Kind != "" {
			c.class = s.Kind
		} else {
			color++
			c.class = "c" + strconv.Itoa((color-1)%6+1)
		}
		c.draw(s, px, py, g.baseY)
		g.curves = append(g.curves, c)
		said = append(said, s.describe())
	}
	spreadLabels(g.curves)
	g.summary = p.Title + ". " + strings.Join(said, " ")
	g.table(p)
	return g
}

// draw cuts the series into unbroken pieces, thinning each so that spikes stay.
func (c *plotCurve) draw(s PlotSeries, px, py func(float64) float64, baseY float64) {
	var xs, ys []float64
	flush := func() {
		switch len(xs) {
		case 0:
		case 1:
			c.points = append(c.points, plotPoint{px(xs[0]), py(ys[0])})
		default:
			var b strings.Builder
			tx, ty := thin(xs, ys, plotBuckets)
			for i := range tx {
				fmt.Fprintf(&b, "%g,%g ", px(tx[i]), py(ty[i]))
			}
			c.paths = append(c.paths, strings.TrimSpace(b.String()))
		}
		xs, ys = nil, nil
	}
	for i := range min(len(s.X), len(s.Y)) {
		x, y := s.X[i], float64(s.Y[i])
		if !finite(x) {
			continue
		}
		if finite(y) {
			xs, ys = append(xs, x), append(ys, y)
			c.lx, c.ly = px(x), py(y)
			continue
		}
		flush()
		gap := plotGap{x: px(x), kind: "nan", text: fmt.Sprintf("%s is not a number at %s", s.Name, tickLabel(x)), y: baseY - 7}
		if y > 0 {
			gap.kind, gap.y, gap.text = "up", plotTop+7, fmt.Sprintf("%s is infinite at %s", s.Name, tickLabel(x))
		} else if y < 0 {
			gap.kind, gap.text = "down", fmt.Sprintf("%s is minus infinite at %s", s.Name, tickLabel(x))
		}
		// Neighbouring gaps of a long divergence are one mark each few pixels.
		if n := len(c.gaps); n == 0 || c.gaps[n-1].kind != gap.kind || gap.x-c.gaps[n-1].x >= 9 {
			c.gaps = append(c.gaps, gap)
		}
	}
	flush()
	if c.lx == 0 && len(c.gaps) > 0 {
		last := c.gaps[len(c.gaps)-1]
		c.lx, c.ly = last.x, last.y
	}
}

// describe says in words what the curve shows, for those who cannot see it.
func (s PlotSeries) describe() string {
	first, last := math.NaN(), math.NaN()
	gaps := 0
	for _, v := range s.Y {
		if y := float64(v); finite(y) {
			if math.IsNaN(first) {
				first = y
			}
			last = y
		} else {
			gaps++
		}
	}
	text := fmt.Sprintf("%s: no finite value.", s.Name)
	if !math.IsNaN(first) {
		text = fmt.Sprintf("%s goes from %s to %s over %s.", s.Name, Number(first), Number(last), Plural(len(s.Y), "point", "points"))
	}
	if gaps > 0 {
		text += " " + Plural(gaps, "value is", "values are") + " not finite."
	}
	return text
}

// table lists the values by x; long series are thinned and say so.
func (g *plotGeometry) table(p Plot) {
	if len(p.Series) == 0 {
		return
	}
	for _, s := range p.Series {
		n := min(len(s.X), len(s.Y))
		step := max(1, (n+tableRows-1)/tableRows)
		g.overflow = g.overflow || step > 1
		for i := 0; i < n; i += step {
			g.rows = append(g.rows, []string{s.Name, tickLabel(s.X[i]), floatText(float64(s.Y[i]))})
		}
		if n > 0 && (n-1)%step != 0 {
			g.rows = append(g.rows, []string{s.Name, tickLabel(s.X[n-1]), floatText(float64(s.Y[n-1]))})
		}
	}
}

func floatText(v float64) string {
	switch {
	case math.IsNaN(v):
		return "not a number"
	case math.IsInf(v, 1):
		return "infinite"
	case math.IsInf(v, -1):
		return "minus infinite"
	}
	return Number(v)
}

// thin keeps the least and the greatest of each bucket, in order, so that a spike of one step survives.
func thin(x, y []float64, buckets int) (tx, ty []float64) {
	if len(x) <= 2*buckets {
		return x, y
	}
	for b := range buckets {
		lo, hi := b*len(y)/buckets, (b+1)*len(y)/buckets
		least, most := lo, lo
		for i := lo; i < hi; i++ {
			if y[i] < y[least] {
				least = i
			}
			if y[i] > y[most] {
				most = i
			}
		}
		a, c := min(least, most), max(least, most)
		tx, ty = append(tx, x[a]), append(ty, y[a])
		if c != a {
			tx, ty = append(tx, x[c]), append(ty, y[c])
		}
	}
	return tx, ty
}

// spreadLabels moves the names of curves that end close together apart.
func spreadLabels(curves []plotCurve) {
	const line = 13.0
	for range 8 {
		moved := false
		for i := range curves {
			for j := range i {
				a, b := &curves[j], &curves[i]
				if d := b.ly - a.ly; math.Abs(a.lx-b.lx) < 120 && math.Abs(d) < line {
					shift := (line - math.Abs(d)) / 2
					if d < 0 {
						shift = -shift
					}
					a.ly -= shift
					b.ly += shift
					moved = true
				}
			}
		}
		if !moved {
			return
		}
	}
}

func xTicks(small bool) int {
	if small {
		return 4
	}
	return 6
}

// ticks are round numbers that cover from..to, about n of them.
func ticks(from, to float64, n int) []float64 {
	raw := (to - from) / float64(n)
	mag := math.Pow(10, math.Floor(math.Log10(raw)))
	step := mag
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step = m * mag; step >= raw*0.999 {
			break
		}
	}
	var out []float64
	for i := math.Ceil(from/step - 1e-9); ; i++ {
		v := i * step
		if v > to+step*1e-9 || len(out) > 20 {
			break
		}
		out = append(out, v)
	}
	if len(out) < 2 {
		return []float64{from, to}
	}
	return out
}

func tickLabel(v float64) string {
	a := math.Abs(v)
	switch {
	case a < 1e-12:
		return "0"
	case a >= 1e6 || a < 1e-3:
		return strings.Replace(strings.Replace(strconv.FormatFloat(v, 'e', -1, 64), "e+0", "e", 1), "e-0", "e-", 1)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

func widen(a, b float64) (float64, float64) {
	if b-a > math.Abs(a)*1e-9 {
		return a, b
	}
	pad := max(math.Abs(a)*0.1, 0.5)
	return a - pad, b + pad
}

// finite says whether a value can be drawn. What is near the end of a float's range has diverged as much as infinity has.
func finite(v float64) bool { return !math.IsNaN(v) && math.Abs(v) < 1e300 }

func round1(v float64) float64 { return math.Round(v*10) / 10 }

func coord(v float64) string { return strconv.FormatFloat(round1(v), 'f', -1, 64) }
