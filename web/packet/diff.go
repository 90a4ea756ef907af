package packet

import "strings"

// maxDiffCells bounds the table of the longest common subsequence; beyond it the changed middle counts as replaced whole.
const maxDiffCells = 4 << 20

// diffLine is a line of the new file, or one of the old that is gone. New and Old are line numbers from 1, 0 where there is none.
type diffLine struct {
	Old, New int
	Text     string
}

func (l diffLine) added() bool   { return l.Old == 0 }
func (l diffLine) removed() bool { return l.New == 0 }

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
}

// diff lists the new lines in order, with the lost old ones where they stood.
func diff(old, new []string) []diffLine {
	var out []diffLine
	head := 0
	for head < len(old) && head < len(new) && old[head] == new[head] {
		out = append(out, diffLine{head + 1, head + 1, new[head]})
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(new)-head && old[len(old)-1-tail] == new[len(new)-1-tail] {
		tail++
	}
	out = append(out, middle(old[head:len(old)-tail], new[head:len(new)-tail], head)...)
	for i := tail; i > 0; i-- {
		out = append(out, diffLine{len(old) - i + 1, len(new) - i + 1, new[len(new)-i]})
	}
	return out
}

func middle(a, b []string, offset int) []diffLine {
	var out []diffLine
	if len(a)*len(b) > maxDiffCells || len(a) == 0 || len(b) == 0 {
		for i, l := range a {
			out = append(out, diffLine{Old: offset + i + 1, Text: l})
		}
		for i, l := range b {
			out = append(out, diffLine{New: offset + i + 1, Text: l})
		}
		return out
	}
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, diffLine{offset + i + 1, offset + j + 1, b[j]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, diffLine{Old: offset + i + 1, Text: a[i]})
			i++
		default:
			out = append(out, diffLine{New: offset + j + 1, Text: b[j]})
			j++
		}
	}
	return out
}
