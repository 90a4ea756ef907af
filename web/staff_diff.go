package web

import "strings"

// diffLine is one line of a comparison: Old and New count from 1 and are 0 on the side that has no such line.
type diffLine struct {
	Op       byte // ' ' both, '-' only in the starter, '+' only in what was handed in
	Old, New int
	Text     string
}

// maxEdits bounds the work of one comparison; beyond it the files count as rewritten, which is what they are.
const maxEdits = 1000

// diffLines compares two texts by line, with the fewest edits (Myers).
func diffLines(before, after string) []diffLine {
	a, b := splitLines(before), splitLines(after)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}

	var out []diffLine
	for i := range start {
		out = append(out, diffLine{' ', i + 1, i + 1, a[i]})
	}
	out = append(out, myers(a[start:len(a)-end], b[start:len(b)-end], start)...)
	for i := range end {
		o, n := len(a)-end+i, len(b)-end+i
		out = append(out, diffLine{' ', o + 1, n + 1, a[o]})
	}
	return out
}

// myers is the greedy shortest edit script; offset is the number of lines that both texts begin with.
func myers(a, b []string, offset int) []diffLine {
	limit := min(len(a)+len(b), maxEdits)
	v := make([]int, 2*limit+3) // v[k+limit+1] is the furthest x on diagonal k
	var trace [][]int           // v before the d-th round
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), v[limit+1-d:limit+2+d]...))
		for k := -d; k <= d; k += 2 {
			at := k + limit + 1
			x := v[at-1] + 1
			if goesDown(k, d, v[at-1], v[at+1]) {
				x = v[at+1]
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			v[at] = x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(a, b, offset, trace)
			}
		}
	}
	return rewritten(a, b, offset)
}

// goesDown says whether the d-th edit on diagonal k is an added line rather than a removed one.
func goesDown(k, d, left, right int) bool { return k == -d || k != d && left < right }

func walkBack(a, b []string, offset int, trace [][]int) []diffLine {
	var back []diffLine
	x, y := len(a), len(b)
	both := func(toX, toY int) {
		for x > toX && y > toY {
			x, y = x-1, y-1
			back = append(back, diffLine{' ', offset + x + 1, offset + y + 1, a[x]})
		}
	}
	for d := len(trace) - 1; d > 0; d-- {
		k := x - y
		before := func(k int) int { // the furthest x on diagonal k after d-1 edits
			if k < -d || k > d {
				return 0
			}
			return trace[d][k+d]
		}
		if goesDown(k, d, before(k-1), before(k+1)) {
			px := before(k + 1)
			both(px, px-k)
			y--
			back = append(back, diffLine{'+', 0, offset + y + 1, b[y]})
		} else {
			px := before(k-1) + 1
			both(px, px-k)
			x--
			back = append(back, diffLine{'-', offset + x + 1, 0, a[x]})
		}
	}
	both(0, 0)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}

func rewritten(a, b []string, offset int) []diffLine {
	var out []diffLine
	for i, text := range a {
		out = append(out, diffLine{'-', offset + i + 1, 0, text})
	}
	for i, text := range b {
		out = append(out, diffLine{'+', 0, offset + i + 1, text})
	}
	return out
}

// splitLines is the lines of a text without their ends; a final newline begins no further line.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
