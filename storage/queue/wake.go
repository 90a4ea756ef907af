package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/riverqueue/river/riverdriver"
)

// insertTopic is what River's notifications about new jobs are filed under.
const insertTopic = "river_insert"

// wakingDriver is River's driver whose listeners also hear Wake. A job enqueued in the process that works it then starts without
// waiting for a poll of SQLite's outbox, nor for the end of the pause in which River sends only one notification.
type wakingDriver[TTx any] struct {
	riverdriver.Driver[TTx]
	mu        sync.Mutex
	listeners []*wakingListener
}

func (d *wakingDriver[TTx]) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	l := &wakingListener{Listener: d.Driver.GetListener(params), queues: make(chan string, 4)}
	l.forget = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.listeners = slices.DeleteFunc(d.listeners, func(o *wakingListener) bool { return o == l })
	}
	l.remember = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !slices.Contains(d.listeners, l) {
			d.listeners = append(d.listeners, l)
		}
	}
	return l
}

// wake never waits: a listener with wake-ups in hand is about to fetch anyway.
func (d *wakingDriver[TTx]) wake(queue string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.listeners {
		select {
		case l.queues <- queue:
		default:
		}
	}
}

type wakingListener struct {
	riverdriver.Listener
	queues           chan string
	remember, forget func()
}

func (l *wakingListener) Connect(ctx context.Context) error {
	if err := l.Listener.Connect(ctx); err != nil {
		return err
	}
	l.remember()
	return nil
}

func (l *wakingListener) Close(ctx context.Context) error {
	l.forget()
	return l.Listener.Close(ctx)
}

// WaitForNotification waits for River's own notification or for a local wake-up, whichever comes first.
func (l *wakingListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	woken := make(chan string, 1)
	go func() {
		defer close(woken)
		select {
		case q := <-l.queues:
			woken <- q
			stop()
		case <-waiting.Done():
		}
	}()
	n, err := l.Listener.WaitForNotification(waiting)
	stop()
	q, ok := <-woken
	switch {
	case !ok:
		return n, err
	case err == nil: // both at once: keep the local one for the next call
		select {
		case l.queues <- q:
		default:
		}
		return n, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return &riverdriver.Notification{Topic: insertTopic, Payload: fmt.Sprintf(`{"queue": %q}`, q)}, nil
}
