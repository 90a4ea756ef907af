package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"os"
	"strconv"
	"syscall"
)

// The frame, as in runtime/wire.py: u32 magic | u32 header_len | u64 body_len | header (JSON of a typed tree) | body.
const (
	wireMagic  = 0x57595341
	wirePrefix = 16
)

// WireLimits bound one frame. The zero value means DefaultWireLimits.
type WireLimits struct {
	Header int   // bytes of structure
	Body   int64 // bytes of arrays and byte strings
}

// DefaultWireLimits are the bounds that wire.py has too.
var DefaultWireLimits = WireLimits{Header: 4 << 20, Body: 256 << 20}

const (
	maxWireDepth  = 64
	maxWireNodes  = 200_000
	maxWireDims   = 16
	maxWireDigits = 400
)

// A Value is what can travel: nil, bool, int64, *big.Int, float64, string, []byte, List, Tuple, Dict or *Array.
type Value = any

type (
	List  []Value
	Tuple []Value
	// Dict keeps the order of its pairs. Its keys are any plain values; Get finds those that are strings.
	Dict []Pair
	Pair struct{ Key, Value Value }
	// Array is a numeric or bool array in C order, little-endian.
	Array struct {
		DType string // as numpy spells it: <f8, |u1, …
		Shape []int64
		Data  []byte
	}
)

// Get returns the value under a string key, nil when there is none.
func (d Dict) Get(key string) Value {
	for _, p := range d {
		if k, ok := p.Key.(string); ok && k == key {
			return p.Value
		}
	}
	return nil
}

// Has says whether there is a value, nil included, under a string key.
func (d Dict) Has(key string) bool {
	for _, p := range d {
		if k, ok := p.Key.(string); ok && k == key {
			return true
		}
	}
	return false
}

// WireError says that what came over a wire breaks its rules.
type WireError struct{ Message string }

func (e *WireError) Error() string { return "wire: " + e.Message }

func wireErrorf(format string, args ...any) error { return &WireError{fmt.Sprintf(format, args...)} }

// Pipe makes a wire. The first end is ours: it has deadlines. The second is for Streams.Wire, and Run hands it into the container.
func Pipe() (near, far net.Conn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a wire: %w", err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "wire")
		ends[i], err = net.FileConn(f)
		f.Close()
		if err != nil {
			if i == 0 {
				syscall.Close(fds[1])
			} else {
				ends[0].Close()
			}
			return nil, nil, fmt.Errorf("make a wire: %w", err)
		}
	}
	return ends[0], ends[1], nil
}

// ReadMessage reads one frame, checks every part of it and returns its value. io.EOF means the other side closed between two
// frames; a *WireError means it broke the rules, after which the stream cannot be used any more.
func ReadMessage(r io.Reader, limits WireLimits) (Value, error) {
	limits = limits.orDefault()
	var prefix [wirePrefix]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	headerLen, bodyLen := binary.LittleEndian.Uint32(prefix[4:]), binary.LittleEndian.Uint64(prefix[8:])
	switch {
	case binary.LittleEndian.Uint32(prefix[:]) != wireMagic:
		return nil, wireErrorf("what arrived is no frame")
	case uint64(headerLen) > uint64(limits.Header):
		return nil, wireErrorf("a message with %d bytes of structure; at most %d may be sent", headerLen, limits.Header)
	case bodyLen > uint64(limits.Body):
		return nil, wireErrorf("a message with %d bytes of data; at most %d may be sent", bodyLen, limits.Body)
	}
	header, err := readExactly(r, int64(headerLen))
	if err != nil {
		return nil, err
	}
	body, err := readExactly(r, int64(bodyLen))
	if err != nil {
		return nil, err
	}
	return decodeMessage(header, body)
}

// readExactly grows with what really arrives, so that a frame that only claims to be large costs nothing.
func readExactly(r io.Reader, n int64) ([]byte, error) {
	const trusted = 1 << 20
	if n <= trusted {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, unexpected(err)
	}
	b := make([]byte, trusted)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, unexpected(err)
	}
	for int64(len(b)) < n {
		more := min(int64(len(b))*3, n-int64(len(b)))
		at := len(b)
		b = append(b, make([]byte, more)...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, unexpected(err)
		}
	}
	return b, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteMessage writes v as one frame. A *WireError means that v cannot be sent and that nothing was written.
func WriteMessage(w io.Writer, v Value, limits WireLimits) error {
	limits = limits.orDefault()
	var e encoder
	e.buf.Write(make([]byte, wirePrefix))
	if err := e.node(v, 0); err != nil {
		return err
	}
	frame := e.buf.Bytes()
	header := len(frame) - wirePrefix
	if header > limits.Header || e.size > limits.Body {
		return wireErrorf("a message with %d bytes of structure and %d of data; at most %d and %d may be sent", header, e.size, limits.Header, limits.Body)
	}
	binary.LittleEndian.PutUint32(frame, wireMagic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(header))
	binary.LittleEndian.PutUint64(frame[8:], uint64(e.size))
	if e.size <= 64<<10 {
		for _, part := range e.parts {
			frame = append(frame, part...)
		}
		_, err := w.Write(frame)
		return err
	}
	all := append(net.Buffers{frame}, e.parts...)
	_, err := all.WriteTo(w)
	return err
}

func (l WireLimits) orDefault() WireLimits {
	if l.Header <= 0 {
		l.Header = DefaultWireLimits.Header
	}
	if l.Body <= 0 {
		l.Body = DefaultWireLimits.Body
	}
	return l
}

// --- reading a tree

type decoder struct {
	body  []byte
	end   int64 // the body is used up from the front, so no part of it can be named twice
	nodes int
}

func decodeMessage(header, body []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(header))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, wireErrorf("the header is not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, wireErrorf("the header goes on after its value")
	}
	d := decoder{body: body}
	return d.node(tree, 0)
}

func (d *decoder) node(v any, depth int) (Value, error) {
	if d.nodes++; d.nodes > maxWireNodes || depth > maxWireDepth {
		return nil, wireErrorf("a message is nested deeper than %d levels or has more than %d parts", maxWireDepth, maxWireNodes)
	}
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case json.Number:
		return number(string(v))
	case map[string]any:
		if len(v) == 1 {
			for kind, x := range v {
				return d.special(kind, x, depth)
			}
		}
	}
	return nil, wireErrorf("a part is no known node")
}

func number(text string) (Value, error) {
	if !bytes.ContainsAny([]byte(text), ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		if len(text) > maxWireDigits+1 {
			return nil, wireErrorf("an integer has more than %d digits", maxWireDigits)
		}
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, wireErrorf("%.20q is no integer", text)
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, wireErrorf("a float is out of range")
	}
	return f, nil
}

func (d *decoder) special(kind string, x any, depth int) (Value, error) {
	if kind == "f" {
		switch x {
		case "nan":
			return math.NaN(), nil
		case "inf":
			return math.Inf(1), nil
		case "-inf":
			return math.Inf(-1), nil
		}
		return nil, wireErrorf("a part is no known node")
	}
	list, ok := x.([]any)
	if !ok {
		return nil, wireErrorf("a part is no known node")
	}
	switch {
	case kind == "l" || kind == "t":
		out := make([]Value, len(list))
		for i, y := range list {
			var err error
			if out[i], err = d.node(y, depth+1); err != nil {
				return nil, err
			}
		}
		if kind == "t" {
			return Tuple(out), nil
		}
		return List(out), nil
	case kind == "d":
		return d.dict(list, depth)
	case kind == "b" && len(list) == 2:
		return d.extent(list[0], list[1])
	case kind == "a" && len(list) == 4:
		return d.array(list)
	}
	return nil, wireErrorf("a part is no known node")
}

func (d *decoder) dict(list []any, depth int) (Value, error) {
	out := make(Dict, len(list))
	for i, y := range list {
		pair, ok := y.([]any)
		if !ok || len(pair) != 2 {
			return nil, wireErrorf("a dict is not made of pairs")
		}
		key, err := d.node(pair[0], depth+1)
		if err != nil {
			return nil, err
		}
		if !hashable(key) {
			return nil, wireErrorf("a dict has a key that cannot be one")
		}
		value, err := d.node(pair[1], depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = Pair{key, value}
	}
	return out, nil
}

func hashable(key Value) bool {
	switch key := key.(type) {
	case List, Dict, *Array:
		return false
	case Tuple:
		for _, k := range key {
			if !hashable(k) {
				return false
			}
		}
	}
	return true
}

func (d *decoder) extent(offset, size any) ([]byte, error) {
	at, ok1 := integer(offset)
	n, ok2 := integer(size)
	total := int64(len(d.body))
	if !ok1 || !ok2 || at < d.end || n < 0 || at > total || n > total-at {
		return nil, wireErrorf("a part lies outside of its message")
	}
	d.end = at + n
	return d.body[at : at+n : at+n], nil
}

func integer(v any) (int64, bool) {
	text, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

var itemSizes = map[string]int64{
	"|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<f2": 2, "<i4": 4, "<u4": 4, "<f4": 4,
	"<i8": 8, "<u8": 8, "<f8": 8, "<c8": 8, "<c16": 16,
}

func (d *decoder) array(list []any) (Value, error) {
	dtype, _ := list[0].(string)
	item, known := itemSizes[dtype]
	dims, ok := list[1].([]any)
	if !known || !ok || len(dims) > maxWireDims {
		return nil, wireErrorf("an array has an unknown dtype or shape")
	}
	data, err := d.extent(list[2], list[3])
	if err != nil {
		return nil, err
	}
	shape := make([]int64, len(dims))
	for i, dim := range dims {
		n, ok := integer(dim)
		if !ok || n < 0 || n > DefaultWireLimits.Body {
			return nil, wireErrorf("an array has an impossible shape")
		}
		shape[i] = n
	}
	if !fits(shape, item, int64(len(data))) {
		return nil, wireErrorf("an array's shape does not fit its data")
	}
	return &Array{dtype, shape, data}, nil
}

// fits says whether an array of this shape has exactly so many bytes, without overflowing on the way.
func fits(shape []int64, item, bytes int64) bool {
	count := int64(1)
	for _, n := range shape {
		if n == 0 {
			return bytes == 0
		}
	}
	for _, n := range shape {
		if count > bytes/n+1 {
			return false
		}
		count *= n
	}
	return count <= bytes && count*item == bytes
}

// --- writing a tree

type encoder struct {
	buf   bytes.Buffer
	parts net.Buffers
	size  int64
	nodes int
}

var padding [64]byte

func (e *encoder) node(v Value, depth int) error {
	if e.nodes++; e.nodes > maxWireNodes || depth > maxWireDepth {
		return wireErrorf("a message is nested deeper than %d levels or has more than %d parts", maxWireDepth, maxWireNodes)
	}
	switch v := v.(type) {
	case nil:
		e.buf.WriteString("null")
	case bool:
		e.buf.WriteString(strconv.FormatBool(v))
	case int:
		e.buf.WriteString(strconv.Itoa(v))
	case int64:
		e.buf.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		e.buf.WriteString(v.String())
	case float64:
		e.float(v)
	case string:
		text, err := json.Marshal(v)
		if err != nil {
			return wireErrorf("a text cannot be sent")
		}
		e.buf.Write(text)
	case []byte:
		e.buf.WriteString(`{"b":`)
		e.data(v)
		e.buf.WriteByte('}')
	case List:
		return e.list("l", v, depth)
	case Tuple:
		return e.list("t", v, depth)
	case Dict:
		return e.dict(v, depth)
	case *Array:
		return e.array(v)
	default:
		return wireErrorf("a %T cannot be sent", v)
	}
	return nil
}

func (e *encoder) float(v float64) {
	switch {
	case math.IsNaN(v):
		e.buf.WriteString(`{"f":"nan"}`)
	case math.IsInf(v, 1):
		e.buf.WriteString(`{"f":"inf"}`)
	case math.IsInf(v, -1):
		e.buf.WriteString(`{"f":"-inf"}`)
	default:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		e.buf.WriteString(text)
		if !bytes.ContainsAny([]byte(text), ".e") {
			e.buf.WriteString(".0") // else it would arrive as an int
		}
	}
}

func (e *encoder) list(kind string, items []Value, depth int) error {
	e.buf.WriteString(`{"` + kind + `":[`)
	for i, item := range items {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		if err := e.node(item, depth+1); err != nil {
			return err
		}
	}
	e.buf.WriteString("]}")
	return nil
}

func (e *encoder) dict(d Dict, depth int) error {
	e.buf.WriteString(`{"d":[`)
	for i, p := range d {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		e.buf.WriteByte('[')
		if err := e.node(p.Key, depth+1); err != nil {
			return err
		}
		e.buf.WriteByte(',')
		if err := e.node(p.Value, depth+1); err != nil {
			return err
		}
		e.buf.WriteByte(']')
	}
	e.buf.WriteString("]}")
	return nil
}

func (e *encoder) array(a *Array) error {
	item, known := itemSizes[a.DType]
	if !known || len(a.Shape) > maxWireDims || !fits(a.Shape, item, int64(len(a.Data))) {
		return wireErrorf("an array of dtype %q and shape %v does not fit its %d bytes", a.DType, a.Shape, len(a.Data))
	}
	fmt.Fprintf(&e.buf, `{"a":["%s",[`, a.DType)
	for i, n := range a.Shape {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		e.buf.WriteString(strconv.FormatInt(n, 10))
	}
	e.buf.WriteString("],")
	at := e.place(a.Data)
	fmt.Fprintf(&e.buf, "%d,%d]}", at, len(a.Data))
	return nil
}

func (e *encoder) data(b []byte) {
	at := e.place(b)
	fmt.Fprintf(&e.buf, "[%d,%d]", at, len(b))
}

// place appends b to the body at the next multiple of 64 and returns where.
func (e *encoder) place(b []byte) int64 {
	if len(b) == 0 {
		return e.size
	}
	if pad := -e.size & 63; pad > 0 {
		e.parts = append(e.parts, padding[:pad])
		e.size += pad
	}
	at := e.size
	e.parts = append(e.parts, b)
	e.size += int64(len(b))
	return at
}
