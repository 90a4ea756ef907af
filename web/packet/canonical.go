package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// canonicalJSON writes v as RFC 8785 says: keys in the order of their UTF-16 units, no white space, numbers and strings in the one
// way that everybody else's implementation writes them too.
func canonicalJSON(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return rewrite(raw, false)
}

// prettyJSON is the same order and spelling with a line to each member, for files that people open.
func prettyJSON(raw []byte) ([]byte, error) { return rewrite(raw, true) }

func rewrite(raw []byte, pretty bool) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	w := &jsonWriter{pretty: pretty}
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	if pretty {
		w.WriteByte('\n')
	}
	return w.Bytes(), nil
}

type jsonWriter struct {
	bytes.Buffer
	pretty bool
}

func (w *jsonWriter) line(depth int) {
	if w.pretty {
		w.WriteByte('\n')
		w.WriteString(strings.Repeat("  ", depth))
	}
}

func (w *jsonWriter) value(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case string:
		w.text(v)
	case json.Number:
		return w.number(v)
	case []any:
		flat := !w.pretty || !slices.ContainsFunc(v, func(e any) bool { _, m := e.(map[string]any); return m })
		w.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				w.WriteByte(',')
				if flat && w.pretty {
					w.WriteByte(' ')
				}
			}
			if !flat {
				w.line(depth + 1)
			}
			if err := w.value(e, depth+1); err != nil {
				return err
			}
		}
		if !flat && len(v) > 0 {
			w.line(depth)
		}
		w.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		w.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				w.WriteByte(',')
			}
			w.line(depth + 1)
			w.text(k)
			w.WriteByte(':')
			if w.pretty {
				w.WriteByte(' ')
			}
			if err := w.value(v[k], depth+1); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			w.line(depth)
		}
		w.WriteByte('}')
	default:
		return fmt.Errorf("a %T in JSON", v)
	}
	return nil
}

func (w *jsonWriter) number(n json.Number) error {
	f, err := n.Float64()
	if err != nil {
		return err
	}
	if f == 0 { // also −0
		w.WriteByte('0')
		return nil
	}
	format := byte('f')
	if a := math.Abs(f); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if format == 'e' { // ES6 writes 1e-7 and 1e+21, Go 1e-07 and 1e+21
		mantissa, exp, _ := strings.Cut(s, "e")
		sign, digits := exp[:1], strings.TrimLeft(exp[1:], "0")
		s = mantissa + "e" + sign + digits
	}
	w.WriteString(s)
	return nil
}

func (w *jsonWriter) text(s string) {
	w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r == '\b':
			w.WriteString(`\b`)
		case r == '\f':
			w.WriteString(`\f`)
		case r == '\n':
			w.WriteString(`\n`)
		case r == '\r':
			w.WriteString(`\r`)
		case r == '\t':
			w.WriteString(`\t`)
		case r < 0x20:
			fmt.Fprintf(w, `\u%04x`, r)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
}
