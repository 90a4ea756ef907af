package sandbox

import (
	"io"
	"os"
	"reflect"
	"sync"
)

// output reads what a process writes, hands it on as it comes and counts it against one limit for stdout and stderr together.
// What is over the limit is read no further and thrown away.
type output struct {
	limit    int64
	exceeded chan struct{} // closed when the limit is passed

	mu      sync.Mutex
	used    int64
	over    bool
	readers sync.WaitGroup
	ours    []*os.File // read ends
	theirs  []*os.File // write ends; closed here once they were handed over
}

// newOutput makes the pipes for two writers: one pipe when they are the same, so that the order of what is written is kept.
func newOutput(stdout, stderr io.Writer, limit int64) (*output, error) {
	o := &output{limit: limit, exceeded: make(chan struct{})}
	if err := o.pipe(stdout); err != nil {
		return nil, err
	}
	if sameWriter(stdout, stderr) {
		o.theirs = append(o.theirs, o.theirs[0])
		return o, nil
	}
	if err := o.pipe(stderr); err != nil {
		o.handedOver()
		o.abandon()
		return nil, err
	}
	return o, nil
}

func sameWriter(a, b io.Writer) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

func (o *output) pipe(w io.Writer) error {
	r, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	o.ours, o.theirs = append(o.ours, r), append(o.theirs, theirs)
	o.readers.Go(func() {
		defer r.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 {
				if p := buf[:o.take(n)]; len(p) > 0 && w != nil {
					if _, werr := w.Write(p); werr != nil {
						w = nil // whoever listened is gone; the program need not know
					}
				}
			}
			if err != nil {
				return
			}
		}
	})
	return nil
}

// take says how many of n bytes are still within the limit.
func (o *output) take(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := o.limit - o.used
	o.used += int64(n)
	if int64(n) <= left {
		return n
	}
	if !o.over {
		o.over = true
		close(o.exceeded)
	}
	return int(max(left, 0))
}

func (o *output) truncated() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

// handedOver closes our copies of the write ends, so that the end of the last process is the end of its output.
func (o *output) handedOver() {
	for i, f := range o.theirs {
		if i == 0 || f != o.theirs[0] {
			f.Close()
		}
	}
}

// drained is closed when everything was read.
func (o *output) drained() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		o.readers.Wait()
		close(done)
	}()
	return done
}

// abandon stops reading, whatever is still to come, and waits until no writer of the caller's is in use any more.
func (o *output) abandon() {
	for _, r := range o.ours {
		r.Close()
	}
	o.readers.Wait()
}
