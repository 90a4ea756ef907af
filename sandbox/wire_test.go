package sandbox_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/sandbox"
)

func rawFrame(header string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x57595341)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(body)))
	return append(append(b, header...), body...)
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("-"+strings.Repeat("9", 300), 10)
	for _, v := range []sandbox.Value{nil, true, int64(-5), huge, 1.0, 1e300, -0.5, math.Inf(1), math.NaN(), "é\x00", []byte{}, []byte("xyz"),
		sandbox.List{}, sandbox.Tuple{int64(1), sandbox.List{"a"}}, sandbox.Dict{{Key: int64(1), Value: nil}, {Key: "k", Value: sandbox.Tuple{}}},
		sandbox.List{[]byte("a"), &sandbox.Array{DType: "<f4", Shape: []int64{2, 1}, Data: []byte("12345678")}, []byte("b")},
		&sandbox.Array{DType: "<i8", Shape: []int64{}, Data: make([]byte, 8)}, &sandbox.Array{DType: "|b1", Shape: []int64{0, 9}, Data: []byte{}}} {
		var b bytes.Buffer
		if err := sandbox.WriteMessage(&b, v, sandbox.WireLimits{}); err != nil {
			t.Fatalf("%v: %v", v, err)
		}
		got, err := sandbox.ReadMessage(&b, sandbox.WireLimits{})
		if diff := cmp.Diff(v, got, cmpopts.EquateNaNs(), cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); err != nil || diff != "" {
			t.Errorf("%v: %v %s", v, err, diff)
		}
	}
}

func TestBrokenFramesAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"l":[`, 80) + "1" + strings.Repeat("]}", 80)
	for _, bad := range [][]byte{
		rawFrame(`{"x":1}`, nil), rawFrame(`[1]`, nil), rawFrame(`{"l":1}`, nil), rawFrame(`{"l":[],"t":[]}`, nil), rawFrame(`{"d":[[1]]}`, nil),
		rawFrame(`{"d":[[{"l":[]},1]]}`, nil), rawFrame(`{"d":[[{"t":[{"d":[]}]},1]]}`, nil), rawFrame(`1 2`, nil), rawFrame(``, nil), rawFrame(`NaN`, nil),
		rawFrame(`1e999`, nil), rawFrame(strings.Repeat("9", 500), nil), rawFrame(`{"f":"1"}`, nil), rawFrame(deep, nil),
		rawFrame(`{"l":[`+strings.Repeat("1,", 200_000)+`1]}`, nil), rawFrame(`{"b":[0,5]}`, []byte("1234")), rawFrame(`{"b":[-1,1]}`, []byte("1234")),
		rawFrame(`{"b":[0,1.0]}`, []byte("1")), rawFrame(`{"b":[9223372036854775807,9223372036854775807]}`, []byte("1")),
		rawFrame(`{"l":[{"b":[0,4]},{"b":[0,4]}]}`, make([]byte, 4)), rawFrame(`{"a":["|O",[1],0,8]}`, make([]byte, 8)),
		rawFrame(`{"a":["<f8",[2],0,8]}`, make([]byte, 8)), rawFrame(`{"a":["<f8",[-1],0,8]}`, make([]byte, 8)),
		rawFrame(`{"a":["<f8",[4294967296,4294967296,2],0,8]}`, make([]byte, 8)), rawFrame(`{"a":["<f8",[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],0,8]}`, make([]byte, 8)),
		[]byte("garbage, and then some more of it"), rawFrame("", nil)[:16:16],
		binary.LittleEndian.AppendUint64([]byte{0x41, 0x53, 0x59, 0x57, 2, 0, 0, 0}, 1<<62),
	} {
		if _, err := sandbox.ReadMessage(bytes.NewReader(bad), sandbox.WireLimits{}); err == nil || !errors.As(err, new(*sandbox.WireError)) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add(rawFrame(`{"d":[["a",{"a":["<f8",[1],0,8]}]]}`, make([]byte, 8)))
	f.Add(rawFrame(`{"l":[1,2.5,{"f":"nan"},{"b":[0,2]}]}`, []byte("ab")))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := sandbox.ReadMessage(bytes.NewReader(b), sandbox.WireLimits{Header: 1 << 16, Body: 1 << 16})
		if err != nil {
			return
		}
		if err := sandbox.WriteMessage(io.Discard, v, sandbox.WireLimits{}); err != nil {
			t.Errorf("read but not written: %v", err)
		}
	})
}

// judge asks one question through a relay and returns the answer.
func judge(t *testing.T, conn net.Conn, question sandbox.Dict) sandbox.Dict {
	t.Helper()
	if err := sandbox.WriteMessage(conn, question, sandbox.WireLimits{}); err != nil {
		t.Fatal(err)
	}
	v, err := sandbox.ReadMessage(conn, sandbox.WireLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return v.(sandbox.Dict)
}

func kind(answer sandbox.Dict) string {
	e, _ := answer.Get("error").(sandbox.Dict)
	k, _ := e.Get("kind").(string)
	return k
}

// relay starts one between two pipes and returns the outer ends.
func relay(t *testing.T, change func(*sandbox.Relay)) (judge, candidate net.Conn, done chan sandbox.Value) {
	t.Helper()
	judge, jfar, err := sandbox.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	candidate, cfar, err := sandbox.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { judge.Close(); candidate.Close() })
	r := &sandbox.Relay{Judge: jfar, Candidate: cfar, Timeout: 10 * time.Second}
	if change != nil {
		change(r)
	}
	done = make(chan sandbox.Value, 1)
	go func() {
		v, err := r.Serve(t.Context())
		if err != nil {
			v = err
		}
		done <- v
	}()
	return judge, candidate, done
}

func ask(more ...sandbox.Pair) sandbox.Dict {
	return append(sandbox.Dict{{Key: "op", Value: "call"}, {Key: "id", Value: int64(1)}, {Key: "fn", Value: "f"}}, more...)
}

func TestRelayPassesQuestionsAndReturnsTheReport(t *testing.T) {
	t.Parallel()
	j, c, done := relay(t, nil)
	seen := make(chan sandbox.Dict, 1)
	go func() {
		v, _ := sandbox.ReadMessage(c, sandbox.WireLimits{})
		q := v.(sandbox.Dict)
		sandbox.WriteMessage(c, sandbox.Dict{{Key: "id", Value: q.Get("id")}, {Key: "ok", Value: 2.5}, {Key: "id", Value: "again"}}, sandbox.WireLimits{})
		seen <- q
	}()
	answer := judge(t, j, ask(sandbox.Pair{Key: "timeout", Value: 5.0}, sandbox.Pair{Key: "args", Value: sandbox.Tuple{int64(1)}}))
	if answer.Get("id") != int64(1) || answer.Get("ok") != 2.5 || answer.Get("seconds").(float64) <= 0 {
		t.Errorf("answer: %v", answer)
	}
	q := <-seen
	if q.Has("timeout") || q.Get("id") == int64(1) || len(q.Get("id").(string)) != 32 {
		t.Errorf("the candidate saw %v", q)
	}
	report := sandbox.Dict{{Key: "report", Value: int64(1)}}
	if err := sandbox.WriteMessage(j, report, sandbox.WireLimits{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(report), <-done); diff != "" {
		t.Error(diff)
	}
}

func TestRelayEndsAnUnrulyCandidate(t *testing.T) {
	t.Parallel()
	reply := func(c net.Conn, v sandbox.Value) { sandbox.WriteMessage(c, v, sandbox.WireLimits{}) }
	for name, tc := range map[string]struct {
		want string
		do   func(c net.Conn, nonce sandbox.Value)
	}{
		"silent":         {"timeout", func(net.Conn, sandbox.Value) {}},
		"half a frame":   {"timeout", func(c net.Conn, _ sandbox.Value) { c.Write(rawFrame("{}", nil)[:17]) }},
		"hangs up":       {"died", func(c net.Conn, _ sandbox.Value) { c.Close() }},
		"half, then off": {"died", func(c net.Conn, _ sandbox.Value) { c.Write([]byte("ASYW\x02\x00\x00\x00")); c.Close() }},
		"garbage":        {"protocol", func(c net.Conn, _ sandbox.Value) { io.WriteString(c, strings.Repeat("x", 1000)) }},
		"old nonce": {"protocol", func(c net.Conn, _ sandbox.Value) {
			reply(c, sandbox.Dict{{Key: "id", Value: "old"}, {Key: "ok", Value: nil}})
		}},
		"no answer": {"protocol", func(c net.Conn, n sandbox.Value) { reply(c, sandbox.Dict{{Key: "id", Value: n}}) }},
		"no dict":   {"protocol", func(c net.Conn, n sandbox.Value) { reply(c, sandbox.List{n}) }},
		"a lying kind": {"raised", func(c net.Conn, n sandbox.Value) {
			reply(c, sandbox.Dict{{Key: "id", Value: n}, {Key: "error", Value: sandbox.Dict{{Key: "kind", Value: "timeout"}, {Key: "message", Value: strings.Repeat("m", 1<<20)}}}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan sandbox.Fault, 1)
			j, c, _ := relay(t, func(r *sandbox.Relay) { r.End = func(f sandbox.Fault) { ended <- f } })
			go func() {
				v, _ := sandbox.ReadMessage(c, sandbox.WireLimits{})
				tc.do(c, v.(sandbox.Dict).Get("id"))
			}()
			answer := judge(t, j, ask(sandbox.Pair{Key: "timeout", Value: 0.3}))
			if kind(answer) != tc.want {
				t.Fatalf("answer: %v", answer)
			}
			if tc.want == "raised" {
				if text := answer.Get("error").(sandbox.Dict).Get("message").(string); len(text) > 10_000 {
					t.Errorf("a message of %d bytes", len(text))
				}
				return
			}
			if f := <-ended; f.Kind != tc.want {
				t.Errorf("ended for %v", f)
			}
			if again := judge(t, j, ask()); kind(again) != "died" {
				t.Errorf("afterwards: %v", again)
			}
		})
	}
}

// TestRelayWithRealWorker asks a candidate's module in a container, as a grading does.
func TestRelayWithRealWorker(t *testing.T) {
	d := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	near, far, err := sandbox.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := spec(`
import numpy as np
def twice(x): print("log"); return x * 2
def nan(): return [float("nan"), float("inf")]
def loop():
    while True: pass
`, func(s *sandbox.Spec) {
		s.Profile, s.Argv, s.Limits.Memory = sandbox.ProfileNumpy, []string{"python3", "/assay/worker.py", "main.py"}, 256<<20
	})
	ended := make(chan sandbox.Outcome, 1)
	var log bytes.Buffer
	go func() {
		o, err := d.Run(ctx, s, sandbox.Streams{Stdout: &log, Stderr: &log, Wire: far})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ended <- o
	}()
	if err := sandbox.AwaitHello(ctx, near, 30*time.Second, sandbox.WireLimits{}); err != nil {
		t.Fatal(err)
	}
	j, jfar, err := sandbox.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := &sandbox.Relay{Judge: jfar, Candidate: near, End: func(sandbox.Fault) { cancel() }}
	go r.Serve(t.Context())
	array := &sandbox.Array{DType: "<f8", Shape: []int64{3}, Data: make([]byte, 24)}
	binary.LittleEndian.PutUint64(array.Data[8:], math.Float64bits(1.5))
	q := func(fn string, args ...sandbox.Value) sandbox.Dict {
		return sandbox.Dict{{Key: "op", Value: "call"}, {Key: "id", Value: int64(9)}, {Key: "fn", Value: fn}, {Key: "args", Value: sandbox.Tuple(args)},
			{Key: "kwargs", Value: sandbox.Dict{}}, {Key: "timeout", Value: 2.0}}
	}
	got, ok := judge(t, j, q("twice", array)).Get("ok").(*sandbox.Array)
	if !ok || math.Float64frombits(binary.LittleEndian.Uint64(got.Data[8:])) != 3 {
		t.Errorf("twice: %v", got)
	}
	if diff := cmp.Diff(any(sandbox.List{math.NaN(), math.Inf(1)}), judge(t, j, q("nan")).Get("ok"), cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	if os.Getenv("ASSAY_TEST_BENCH") == "1" {
		var took []time.Duration
		for range 2000 {
			began := time.Now()
			judge(t, j, q("twice", int64(1)))
			took = append(took, time.Since(began))
		}
		t.Logf("a question takes %s (median of %d)", median(took), len(took))
	}
	if a := judge(t, j, q("loop")); kind(a) != "timeout" {
		t.Errorf("loop: %v", a)
	}
	if o := <-ended; o.CPU == 0 {
		t.Errorf("%+v", o)
	}
	if !strings.Contains(log.String(), "log") {
		t.Errorf("log: %q", &log)
	}
}
