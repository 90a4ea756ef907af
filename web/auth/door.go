package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"assay"

	"golang.org/x/time/rate"
)

// Ledger remembers sign-ins where every process sees them.
type Ledger interface {
	// UserByEmail returns NotFound for an unknown address.
	UserByEmail(ctx context.Context, email string) (assay.User, error)
	LoginFailed(ctx context.Context, email, ip string) error
	LoginFailures(ctx context.Context, email, ip string, since time.Time) (int, error)
	LoginSucceeded(ctx context.Context, actor assay.Actor, email, ip string) error
}

// Door lets people in who know their password, and slows down those who guess: in memory per address and account, and by the
// failures that all processes wrote down.
type Door struct {
	Ledger Ledger
	Log    *slog.Logger
	Now    func() time.Time

	mu    sync.Mutex
	tries map[string]*try
}

type try struct {
	limit *rate.Limiter
	seen  time.Time
}

const (
	maxFailures   = 8
	failureWindow = 15 * time.Minute
	burst         = 10
	maxTries      = 10_000
)

// wrong is one answer for an unknown address, a wrong password and a disabled account, so that none can be told from another.
var wrong = &assay.Error{Code: assay.Unauthenticated, Message: "The mail address and the password do not belong together."}

// Enter returns the account of whoever knows its password. Errors: Unauthenticated, RateLimited.
func (d *Door) Enter(ctx context.Context, email, password, ip string) (assay.User, error) {
	if !d.Allow("login", email, ip) {
		return assay.User{}, tooMany()
	}
	n, err := d.Ledger.LoginFailures(ctx, email, ip, d.Now().Add(-failureWindow))
	if err != nil {
		return assay.User{}, err
	}
	if n >= maxFailures {
		return assay.User{}, tooMany()
	}
	user, err := d.Ledger.UserByEmail(ctx, email)
	known := err == nil && user.DisabledAt == nil
	if err != nil && assay.ErrorCode(err) != assay.NotFound {
		return assay.User{}, err
	}
	hash := absent
	if known {
		hash = user.PasswordHash
	}
	if !CheckPassword(password, hash) || !known {
		if err := d.Ledger.LoginFailed(ctx, email, ip); err != nil {
			return assay.User{}, err
		}
		return assay.User{}, wrong
	}
	actor := assay.Actor{User: user.ID, Roles: user.Roles}
	if err := d.Ledger.LoginSucceeded(ctx, actor, email, ip); err != nil {
		return assay.User{}, err
	}
	return user, nil
}

// Allow counts one try at something and says whether it may go on: ten at once, then one in six seconds.
func (d *Door) Allow(what, who, ip string) bool {
	key := what + "\x00" + who + "\x00" + ip
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tries == nil {
		d.tries = map[string]*try{}
	}
	t := d.tries[key]
	if t == nil {
		if len(d.tries) >= maxTries {
			d.forget(now)
		}
		t = &try{limit: rate.NewLimiter(rate.Every(6*time.Second), burst)}
		d.tries[key] = t
	}
	t.seen = now
	return t.limit.AllowN(now, 1)
}

// forget drops those who have not tried for a minute: their allowance is full again, so nothing is lost by it. If everybody is
// busy, a tenth goes, whoever they are, so that memory and time stay bounded; the failures in the ledger go on counting.
func (d *Door) forget(now time.Time) {
	for k, t := range d.tries {
		if now.Sub(t.seen) > burst*6*time.Second {
			delete(d.tries, k)
		}
	}
	surplus := len(d.tries) - maxTries*9/10
	for k := range d.tries {
		if surplus <= 0 {
			return
		}
		delete(d.tries, k)
		surplus--
	}
}

func tooMany() error {
	return assay.Errorf(assay.RateLimited, "There were too many tries. Wait a quarter of an hour, then try again; your password still works.")
}
