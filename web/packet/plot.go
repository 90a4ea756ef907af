package packet

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"assay"
	"assay/web/view"
)

// downsample keeps at most n points and every extreme: from each of n/2 stretches its lowest and its highest, in order. Values
// that are no numbers are kept too, one to a stretch: a diverged run is the interesting one.
func downsample(x []float64, y []assay.Float, n int) ([]float64, []assay.Float) {
	if len(y) <= n {
		return x, y
	}
	buckets := n / 3
	var ox []float64
	var oy []assay.Float
	for b := range buckets {
		lo, hi := b*len(y)/buckets, (b+1)*len(y)/buckets
		low, high, odd := -1, -1, -1
		for i := lo; i < hi; i++ {
			v := float64(y[i])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				if odd < 0 {
					odd = i
				}
				continue
			}
			if low < 0 || v < float64(y[low]) {
				low = i
			}
			if high < 0 || v > float64(y[high]) {
				high = i
			}
		}
		for i := lo; i < hi; i++ {
			if i == low || i == high || i == odd {
				ox, oy = append(ox, x[i]), append(oy, y[i])
			}
		}
	}
	return ox, oy
}

// plots draws the curves of a report: those of one unit that end on the same word ("train loss", "validation loss") together, since
// what they say is how they part.
func plots(submission string, all []DocSeries) []view.Plot {
	const together = 4
	var out []view.Plot
	kinds := map[string]int{}
	for _, s := range all {
		words := strings.FieldsFunc(s.Name, func(r rune) bool { return strings.ContainsRune(" _-/.", r) })
		kind := s.Unit
		if len(words) > 0 {
			kind += "\x00" + words[len(words)-1]
		}
		curve := view.PlotSeries{Name: s.Name, X: s.X, Y: s.Y}
		if i, ok := kinds[kind]; ok && len(out[i].Series) < together {
			out[i].Title += "; " + finding(s)
			out[i].YLabel = "value"
			out[i].Series = append(out[i].Series, curve)
			continue
		}
		kinds[kind] = len(out)
		out = append(out, view.Plot{ID: fmt.Sprintf("plot-%s-%d", submission, len(out)+1), Title: finding(s), XLabel: "step", YLabel: s.Name, Unit: s.Unit,
			Series: []view.PlotSeries{curve}})
	}
	return out
}

// finding says what a curve does, in fixed words.
func finding(s DocSeries) string {
	first, last := -1, -1
	for i, v := range s.Y {
		if y := float64(v); !math.IsNaN(y) && !math.IsInf(y, 0) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	switch {
	case len(s.Y) == 0:
		return s.Name + ": no points were recorded"
	case first < 0:
		return s.Name + " was never a number"
	}
	a, b := float64(s.Y[first]), float64(s.Y[last])
	over := " over " + count(s.Total, "point", "points")
	switch {
	case !s.Finite:
		return fmt.Sprintf("%s stopped being a number in places; it began at %s and the last number was %s", s.Name, short(a), short(b)) + over
	case b < a:
		return fmt.Sprintf("%s falls from %s to %s", s.Name, short(a), short(b)) + over
	case b > a:
		return fmt.Sprintf("%s rises from %s to %s", s.Name, short(a), short(b)) + over
	}
	return fmt.Sprintf("%s ends where it began, at %s", s.Name, short(a)) + over
}

// strip shows one measured value between the baseline (dashed) and the reference (solid). Nil when there is nothing to compare with.
func strip(c DocCheck) *view.PacketDocStrip {
	v, ok := c.Value.(assay.Float)
	value := float64(v)
	if !ok || math.IsNaN(value) || math.IsInf(value, 0) {
		return nil
	}
	base, ref := c.Zero, c.Full
	if r, ok := c.Reference.(assay.Float); ok && !math.IsNaN(float64(r)) && !math.IsInf(float64(r), 0) {
		f := float64(r)
		ref = &f
	}
	if base == nil && ref == nil {
		return nil
	}
	lo, hi := value, value
	for _, p := range []*float64{base, ref} {
		if p != nil {
			lo, hi = min(lo, *p), max(hi, *p)
		}
	}
	if lo == hi {
		lo, hi = lo-1, hi+1
	}
	pad := (hi - lo) * 0.12
	lo, hi = lo-pad, hi+pad
	const w = 320.0
	at := func(v float64) string { return coord(8 + (w-16)*(v-lo)/(hi-lo)) }
	s := &view.PacketDocStrip{Value: at(value), ValueText: short(value) + unitOf(c.Unit), Title: c.Title + ": " + short(value) + unitOf(c.Unit)}
	if base != nil {
		s.Base, s.BaseText = at(*base), short(*base)
		s.Title += "; baseline " + short(*base)
	}
	if ref != nil {
		s.Ref, s.RefText = at(*ref), short(*ref)
		s.Title += "; reference " + short(*ref)
	}
	switch c.Better {
	case "lower":
		s.Better = "lower is better"
	case "higher":
		s.Better = "higher is better"
	}
	return s
}

func unitOf(u string) string {
	if u == "" {
		return ""
	}
	return " " + u
}

// short writes a number with four significant digits at most.
func short(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	case v == 0:
		return "0"
	}
	a := math.Abs(v)
	if a >= 1e7 || a < 1e-4 {
		return strings.Replace(strconv.FormatFloat(v, 'e', 2, 64), "-", "−", 1)
	}
	digits := max(0, 3-int(math.Floor(math.Log10(a))))
	s := strconv.FormatFloat(v, 'f', min(digits, 7), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return strings.Replace(s, "-", "−", 1)
}

func coord(v float64) string {
	s := strconv.FormatFloat(math.Round(v*10)/10, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}
