package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"
)

// Relay stands between a judge's wire and a candidate's. The judge asks, one question at a time; the candidate's side answers.
// No byte of either passes unread: each frame is parsed, checked and written anew, each question gets a nonce that only its own
// answer can carry, and the clock that a question runs against is ours.
//
// A question is a Dict with "op" (call, new, method, get, drop), "id", and optionally "timeout" in seconds. Its answer is
// {"id", "ok": value} or {"id", "error": {"kind", "message"}} with kind raised, timeout, died or protocol; in both "seconds" is
// how long the candidate's side took as we saw it. After a timeout, a death or a broken frame the candidate's side is ended, and
// every later question is answered "died" at once.
type Relay struct {
	Judge     net.Conn
	Candidate net.Conn // may be nil: every question is then answered "died"
	Limits    WireLimits
	Timeout   time.Duration // of a question that names none; 0 means 10 s
	Max       time.Duration // the most that a question may name; 0 means 10 minutes
	// End is called once when the candidate's side must go: after a timeout or a broken rule. It should end that container's run.
	End func(fault Fault)

	once  sync.Once
	fault *Fault
}

// Fault is what the candidate's side did wrong on the wire.
type Fault struct {
	Kind    string // FaultRaised, FaultTimeout, FaultDied, FaultProtocol
	Message string
}

func (f *Fault) Error() string { return f.Kind + ": " + f.Message }

const (
	FaultRaised   = "raised"
	FaultTimeout  = "timeout"
	FaultDied     = "died"
	FaultProtocol = "protocol"
)

// maxFaultMessage bounds what a candidate's traceback may take in a report.
const maxFaultMessage = 8000

// AwaitHello waits for a worker's first frame, by which it says that the candidate's entry module was loaded. The error is a
// *Fault when it was not: raised (the import failed; Message is the traceback), timeout, died or protocol.
func AwaitHello(ctx context.Context, candidate net.Conn, timeout time.Duration, limits WireLimits) error {
	defer untilDone(ctx, candidate)()
	candidate.SetReadDeadline(time.Now().Add(timeout))
	defer candidate.SetReadDeadline(time.Time{})
	message, err := ReadMessage(candidate, limits)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f := faultOf(err)
		if f.Kind == FaultTimeout {
			f.Message = fmt.Sprintf("loading the module took longer than %s", timeout)
		}
		return &f
	}
	hello, ok := message.(Dict)
	if id, _ := hello.Get("id").(string); !ok || id != "hello" {
		return &Fault{FaultProtocol, "the first frame is no greeting"}
	}
	if e, ok := hello.Get("error").(Dict); ok {
		return &Fault{errorKind(e), errorText(e)}
	}
	return nil
}

// Serve answers the judge's questions until it sends a message without "op", its report, which Serve returns. io.EOF means that
// the judge closed its wire without one; any other error is the judge's side breaking the rules, or ctx ending. Nothing that the
// candidate's side does makes Serve fail.
func (r *Relay) Serve(ctx context.Context) (Value, error) {
	defer untilDone(ctx, r.Judge)()
	if r.Candidate != nil {
		defer untilDone(ctx, r.Candidate)()
	}
	for {
		message, err := ReadMessage(r.Judge, r.Limits)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		question, ok := message.(Dict)
		if !ok || !question.Has("op") {
			return message, nil
		}
		answer := r.answer(ctx, question)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := WriteMessage(r.Judge, answer, r.Limits); err != nil {
			return nil, fmt.Errorf("answer the judge: %w", err)
		}
	}
}

func (r *Relay) answer(ctx context.Context, question Dict) Dict {
	id := question.Get("id")
	if r.Candidate == nil || r.fault != nil {
		message := "the candidate's process has ended"
		if r.fault != nil {
			message += ": " + r.fault.Error()
		}
		return errorAnswer(id, Fault{FaultDied, message}, 0)
	}
	began := time.Now()
	reply, err := r.ask(ctx, question, began)
	took := time.Since(began)
	var unsendable *unsendableError
	switch {
	case errors.As(err, &unsendable): // the judge asked for what cannot be sent; the candidate never saw it
		return errorAnswer(id, Fault{FaultProtocol, unsendable.Error()}, took)
	case err != nil:
		f := faultOf(err)
		if f.Kind == FaultTimeout {
			f.Message = fmt.Sprintf("no answer within %s", r.allowed(question))
		}
		r.end(f)
		return errorAnswer(id, f, took)
	}
	if e, ok := reply.Get("error").(Dict); ok {
		return errorAnswer(id, Fault{errorKind(e), errorText(e)}, took)
	}
	return Dict{{"id", id}, {"ok", reply.Get("ok")}, {"seconds", took.Seconds()}}
}

// unsendableError marks a fault of the judge's question.
type unsendableError struct{ error }

func (r *Relay) ask(ctx context.Context, question Dict, began time.Time) (Dict, error) {
	nonce := newNonce()
	asked := Dict{{"id", nonce}}
	for _, p := range question {
		if k, _ := p.Key.(string); k != "id" && k != "timeout" {
			asked = append(asked, p)
		}
	}
	r.Candidate.SetDeadline(began.Add(r.allowed(question)))
	if ctx.Err() != nil { // its end may have come before the deadline just set
		return nil, ctx.Err()
	}
	if err := WriteMessage(r.Candidate, asked, r.Limits); err != nil {
		if w := (*WireError)(nil); errors.As(err, &w) {
			return nil, &unsendableError{err}
		}
		return nil, err
	}
	message, err := ReadMessage(r.Candidate, r.Limits)
	if err != nil {
		return nil, err
	}
	reply, ok := message.(Dict)
	if got, _ := reply.Get("id").(string); !ok || got != nonce {
		return nil, wireErrorf("an answer to another question")
	}
	if _, isError := reply.Get("error").(Dict); !isError && !reply.Has("ok") {
		return nil, wireErrorf("an answer with neither a value nor an error")
	}
	return reply, nil
}

// allowed is how long the candidate's side may take for a question.
func (r *Relay) allowed(question Dict) time.Duration {
	most := r.Max
	if most <= 0 {
		most = 10 * time.Minute
	}
	var seconds float64
	switch v := question.Get("timeout").(type) {
	case float64:
		seconds = v
	case int64:
		seconds = float64(v)
	}
	if seconds > 0 && !math.IsInf(seconds, 0) {
		if seconds >= most.Seconds() {
			return most
		}
		return time.Duration(seconds * float64(time.Second))
	}
	if r.Timeout > 0 {
		return min(r.Timeout, most)
	}
	return min(10*time.Second, most)
}

func (r *Relay) end(f Fault) {
	r.once.Do(func() {
		r.fault = &f
		r.Candidate.Close()
		if r.End != nil {
			r.End(f)
		}
	})
}

func faultOf(err error) Fault {
	var w *WireError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Fault{FaultTimeout, "no answer in time"}
	case errors.As(err, &w):
		return Fault{FaultProtocol, w.Message}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Fault{FaultDied, "the candidate's process ended in the middle of an answer"}
	default:
		return Fault{FaultDied, "the candidate's process ended"}
	}
}

func errorAnswer(id Value, f Fault, took time.Duration) Dict {
	return Dict{{"id", id}, {"error", Dict{{"kind", f.Kind}, {"message", f.Message}}}, {"seconds", took.Seconds()}}
}

// errorKind lets the candidate's side say only raised or protocol of itself.
func errorKind(e Dict) string {
	if k, _ := e.Get("kind").(string); k == FaultProtocol {
		return FaultProtocol
	}
	return FaultRaised
}

func errorText(e Dict) string {
	text, _ := e.Get("message").(string)
	if r := []rune(text); len(r) > maxFaultMessage {
		text = string(r[:maxFaultMessage/4]) + "\n…\n" + string(r[len(r)-maxFaultMessage*3/4:])
	}
	return text
}

func newNonce() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// untilDone makes waiting on conn end when ctx does; call what it returns when the waiting is over.
func untilDone(ctx context.Context, conn net.Conn) (stop func()) {
	after := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return func() { after() }
}
