package questions

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reader reads one YAML file against a field table. It never stops at the first complaint.
type reader struct {
	file   string
	traps  []Finding      // what YAML readers disagree about, duplicate keys: no schema can see these
	faults []Finding      // what the table forbids; empty exactly when the JSON schema accepts the document
	lines  map[string]int // line of each value, by its path: checks[2].id
}

// read returns the document as plain maps, lists, strings, int64, float64 and bool, defaults filled in; sizes are bytes and
// durations seconds. It is nil when the text is not one YAML document with a mapping on top.
func (r *reader) read(text []byte, table field) map[string]any {
	r.lines = map[string]int{}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		line, what := yamlError(err)
		r.trap(line, what, "mend the YAML; a text with a colon or a leading bracket needs quotes")
		return nil
	}
	var second yaml.Node
	if dec.Decode(&second) == nil {
		r.trap(max(1, second.Line), "a second document", "keep one document in the file, without `---` between")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.trap(1, "the file is not a mapping", "write `key: value` lines")
		return nil
	}
	out, _ := r.value(doc.Content[0], table, "").(map[string]any)
	return out
}

func yamlError(err error) (int, string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n, "not YAML: " + m[2]
	}
	return 1, "not YAML: " + strings.ReplaceAll(text, "\n", " ")
}

func (r *reader) trap(line int, what, mend string) {
	r.traps = append(r.traps, Finding{File: r.file, Line: line, What: what, Mend: mend})
}

func (r *reader) fault(n *yaml.Node, path, what, mend string) {
	if path != "" {
		what = path + " " + what
	}
	r.faults = append(r.faults, Finding{File: r.file, Line: n.Line, What: what, Mend: mend})
}

// value checks one node and returns its plain form, nil when it is unusable.
func (r *reader) value(n *yaml.Node, t field, path string) any {
	r.lines[path] = n.Line
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.trap(n.Line, path+" uses an anchor or alias", "write the value out")
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind != yaml.ScalarNode {
			return nil
		}
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.trap(n.Line, path+" carries the tag "+n.Tag, "remove the tag; the format fixes every type")
	}
	switch t.shape {
	case shapeObject:
		return r.object(n, t, path)
	case shapeMap:
		return r.mapping(n, t, path)
	case shapeList:
		return r.list(n, t, path)
	}
	if n.Kind != yaml.ScalarNode {
		r.fault(n, path, "is a "+nodeWord(n), "write "+t.words())
		return nil
	}
	r.scalarTraps(n, path)
	return r.scalar(n, t, path)
}

// pairs goes through a mapping's keys, complaining of doubles; keys are plain text.
func (r *reader) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Value == "<<" {
			r.trap(key.Line, "a key that is not a plain word", "write a plain key; merge keys are not allowed")
			continue
		}
		if at, twice := first[key.Value]; twice {
			r.trap(key.Line, fmt.Sprintf("%s is there twice (first on line %d)", join(path, key.Value), at), "keep one of the two")
			continue
		}
		first[key.Value] = key.Line
		each(key, value)
	}
}

func (r *reader) object(n *yaml.Node, t field, path string) any {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "is a "+nodeWord(n), "write a mapping with the keys "+strings.Join(t.names(), ", "))
		return nil
	}
	out := map[string]any{}
	seen := map[string]bool{}
	r.pairs(n, path, func(key, value *yaml.Node) {
		for _, sub := range t.fields {
			if sub.name == key.Value {
				seen[key.Value] = true
				out[key.Value] = r.value(value, sub.field, join(path, key.Value))
				return
			}
		}
		mend := "remove it"
		if near := nearest(key.Value, t.names()); near != "" {
			mend = "did you mean " + near + "?"
		} else if path != "" {
			mend += "; " + path + " has " + strings.Join(t.names(), ", ")
		}
		r.fault(key, "", join(path, key.Value)+" is not a key of this format", mend)
	})
	for _, sub := range t.fields {
		if seen[sub.name] {
			continue
		}
		where := join(path, sub.name)
		r.lines[where] = n.Line
		switch {
		case sub.required:
			r.fault(n, where, "is missing", "add `"+sub.name+": "+sub.example()+"`")
		case sub.value != nil:
			out[sub.name] = sub.fallback()
		case sub.shape == shapeObject:
			out[sub.name] = sub.fallback()
		}
	}
	return out
}

func (r *reader) mapping(n *yaml.Node, t field, path string) any {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "is a "+nodeWord(n), "write a mapping")
		return nil
	}
	out := map[string]any{}
	keys := regexp.MustCompile(t.keys)
	count := 0
	r.pairs(n, path, func(key, value *yaml.Node) {
		count++
		if !keys.MatchString(key.Value) {
			r.fault(key, "", join(path, key.Value)+" is not a name that may stand here", "use names that match "+t.keys)
		}
		out[key.Value] = r.value(value, *t.item, join(path, key.Value))
	})
	r.bounds(n, t, path, count, "entries")
	return out
}

func (r *reader) list(n *yaml.Node, t field, path string) any {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, path, "is a "+nodeWord(n), "write a list: ["+t.item.example()+"]")
		return nil
	}
	out := []any{}
	for i, item := range n.Content {
		out = append(out, r.value(item, *t.item, fmt.Sprintf("%s[%d]", path, i)))
	}
	r.bounds(n, t, path, len(out), "entries")
	return out
}

func (r *reader) bounds(n *yaml.Node, t field, path string, count int, of string) {
	if t.min != nil && count < int(*t.min) {
		r.fault(n, path, fmt.Sprintf("has %d %s", count, of), fmt.Sprintf("at least %v", *t.min))
	}
	if t.max != nil && count > int(*t.max) {
		r.fault(n, path, fmt.Sprintf("has %d %s", count, of), fmt.Sprintf("at most %v", *t.max))
	}
}

var (
	trapBool   = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)
	trapInt    = regexp.MustCompile(`^[-+]?(0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+|[0-9]+(:[0-5]?[0-9])+)$`)
	trapExp    = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]*)?[eE][0-9]+$|^[-+]?[0-9]+[eE][-+]?[0-9]+$`)
	digitsWith = regexp.MustCompile(`^[-+]?[0-9][0-9_.]*_[0-9_.]*$`)
)

// scalarTraps complains of unquoted words that YAML 1.1 and 1.2 readers take for different things.
func (r *reader) scalarTraps(n *yaml.Node, path string) {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return
	}
	switch v := n.Value; {
	case trapBool.MatchString(v):
		r.trap(n.Line, fmt.Sprintf("%s: %s is a truth value to some YAML readers and text to others", path, v),
			fmt.Sprintf("write true or false, or put it in quotes: %q", v))
	case digitsWith.MatchString(v):
		r.trap(n.Line, fmt.Sprintf("%s: %s is a number to some YAML readers and text to others", path, v), "write it without the underscore")
	case trapInt.MatchString(v):
		r.trap(n.Line, fmt.Sprintf("%s: %s is read as octal, hexadecimal or base 60 by some YAML readers", path, v), "write it in decimal, or put it in quotes")
	case trapExp.MatchString(v):
		r.trap(n.Line, fmt.Sprintf("%s: %s is a number to some YAML readers and text to others", path, v),
			"write the dot and the exponent's sign, as in 1.0e-6")
	case n.Tag == "!!timestamp":
		r.trap(n.Line, fmt.Sprintf("%s: %s is a date to some YAML readers", path, v), fmt.Sprintf("put it in quotes: %q", v))
	}
}

func (r *reader) scalar(n *yaml.Node, t field, path string) any {
	tag := n.ShortTag()
	if tag == "!!timestamp" {
		tag = "!!str"
	}
	wrong := func() any {
		r.fault(n, path, fmt.Sprintf("is %s, not %s", quoteNode(n, tag), t.words()), "write "+t.words()+", such as "+t.example())
		return nil
	}
	switch t.shape {
	case shapeBool:
		if tag != "!!bool" {
			return wrong()
		}
		return strings.EqualFold(n.Value, "true")
	case shapeInt, shapeNumber:
		v, ok := number(n, tag)
		if !ok || t.shape == shapeInt && v != math.Trunc(v) {
			return wrong()
		}
		if t.min != nil && v < *t.min || t.max != nil && v > *t.max {
			r.fault(n, path, "is "+n.Value, "it may be "+t.span())
		}
		if t.shape == shapeInt {
			return int64(v)
		}
		return v
	case shapeScalar:
		switch tag {
		case "!!bool":
			return strings.EqualFold(n.Value, "true")
		case "!!int", "!!float":
			v, ok := number(n, tag)
			if !ok {
				return wrong()
			}
			if tag == "!!int" {
				return int64(v)
			}
			return v
		case "!!str":
			return n.Value
		}
		return wrong()
	}
	if tag != "!!str" {
		// 512 alone is a size in bytes; everywhere else a number is not a text.
		if !(t.shape == shapeSize && tag == "!!int") {
			return wrong()
		}
	}
	switch t.shape {
	case shapeSize, shapeDuration:
		return r.quantity(n, t, path, wrong)
	}
	if t.enum != nil && !slices.Contains(t.enum, n.Value) {
		mend := "one of " + strings.Join(t.enum, ", ")
		if near := nearest(n.Value, t.enum); near != "" {
			mend = "did you mean " + near + "? It may be " + mend
		}
		r.fault(n, path, fmt.Sprintf("is %q", n.Value), mend)
		return nil
	}
	if t.pattern != "" && !regexp.MustCompile(t.pattern).MatchString(n.Value) {
		r.fault(n, path, fmt.Sprintf("is %q", short(n.Value)), "write "+t.like)
	}
	r.bounds(n, t, path, utf8.RuneCountInString(n.Value), "characters")
	return n.Value
}

// quantity reads 256m as bytes and 60s as seconds.
func (r *reader) quantity(n *yaml.Node, t field, path string, wrong func() any) any {
	var v float64
	var ok bool
	if t.shape == shapeSize {
		v, ok = parseSize(n.Value)
	} else {
		v, ok = parseSeconds(n.Value)
	}
	if !ok {
		return wrong()
	}
	if t.min != nil && v < *t.min || t.max != nil && v > *t.max {
		// The schema cannot compare 1g with 512m; this is a complaint about meaning.
		r.trap(n.Line, path+" is "+n.Value, "it may be "+t.span())
	}
	if t.shape == shapeSize {
		return int64(v)
	}
	return v
}

func parseSize(s string) (float64, bool) {
	if !regexp.MustCompile(patternSize).MatchString(s) {
		return 0, false
	}
	scale := map[byte]float64{'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30}[s[len(s)-1]]
	if scale == 0 {
		scale = 1
	}
	v, err := strconv.ParseFloat(strings.TrimRight(s, "kmg"), 64)
	return v * scale, err == nil
}

func parseSeconds(s string) (float64, bool) {
	m := regexp.MustCompile(patternDuration).FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(m[1], 64)
	return v * map[string]float64{"ms": 0.001, "s": 1, "m": 60}[m[2]], err == nil
}

func number(n *yaml.Node, tag string) (float64, bool) {
	if tag != "!!int" && tag != "!!float" {
		return 0, false
	}
	var v float64
	if n.Decode(&v) != nil || math.IsNaN(v) || math.IsInf(v, 0) || tag == "!!int" && math.Abs(v) > 1<<53 {
		return 0, false
	}
	return v, true
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func nodeWord(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	}
	return "single value"
}

func quoteNode(n *yaml.Node, tag string) string {
	switch tag {
	case "!!null":
		return "empty"
	case "!!str":
		return fmt.Sprintf("the text %q", short(n.Value))
	}
	return short(n.Value)
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func (t field) names() []string {
	out := make([]string, len(t.fields))
	for i, sub := range t.fields {
		out[i] = sub.name
	}
	return out
}

func (t field) words() string {
	switch t.shape {
	case shapeObject, shapeMap:
		return "a mapping"
	case shapeList:
		return "a list"
	case shapeInt:
		return "a whole number"
	case shapeNumber:
		return "a number"
	case shapeBool:
		return "true or false"
	case shapeSize:
		return "a size"
	case shapeDuration:
		return "a duration"
	case shapeScalar:
		return "a text, number or truth value"
	}
	if t.enum != nil {
		return "one of " + strings.Join(t.enum, ", ")
	}
	return "a text"
}

func (t field) example() string {
	if t.value != nil {
		return fmt.Sprint(t.value)
	}
	switch t.shape {
	case shapeObject, shapeMap:
		return "{…}"
	case shapeList:
		return "[" + t.item.example() + "]"
	case shapeInt, shapeNumber:
		if t.min != nil {
			return fmt.Sprint(*t.min)
		}
		return "1"
	case shapeBool:
		return "true"
	case shapeSize:
		return "256m"
	case shapeDuration:
		return "60s"
	}
	if t.enum != nil {
		return t.enum[0]
	}
	return `"…"`
}

func (t field) span() string {
	show := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch t.shape {
	case shapeSize:
		show = func(v float64) string {
			for _, u := range []struct {
				n    float64
				unit string
			}{{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}} {
				if v >= u.n {
					return strconv.FormatFloat(v/u.n, 'g', -1, 64) + u.unit
				}
			}
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case shapeDuration:
		show = func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + "s" }
	}
	switch {
	case t.min == nil:
		return "at most " + show(*t.max)
	case t.max == nil:
		return "at least " + show(*t.min)
	case *t.min == *t.max:
		return "only " + show(*t.min)
	}
	return show(*t.min) + " to " + show(*t.max)
}

// fallback is the default in plain form, as value would have returned it.
func (t field) fallback() any {
	switch v := t.value.(type) {
	case nil:
		out := map[string]any{}
		for _, sub := range t.fields {
			if sub.value != nil || sub.shape == shapeObject {
				out[sub.name] = sub.fallback()
			}
		}
		return out
	case int:
		if t.shape == shapeNumber {
			return float64(v)
		}
		return int64(v)
	case string:
		switch t.shape {
		case shapeSize:
			n, _ := parseSize(v)
			return int64(n)
		case shapeDuration:
			n, _ := parseSeconds(v)
			return n
		}
		return v
	default:
		return v
	}
}

// nearest is the name within two edits of s, or "".
func nearest(s string, names []string) string {
	best, at := "", 3
	for _, name := range names {
		if d := edits(strings.ToLower(s), name); d < at && d < len(name) {
			best, at = name, d
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = above
			row[j+1] = min(cost, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
