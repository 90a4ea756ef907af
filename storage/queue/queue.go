// Package queue wakes workers. It is River behind a small door: jobs are rows in the application's own database, inserted in the
// same transaction as the thing they are about, and deleted some time after they have been worked.
//
// A job is only a wake-up. Who may work on an attempt, for how long, how often it is tried again and after what pause is decided
// by the lease, epoch and failure count on the attempt's row (package storage), never by River.
package queue

import (
	"context"

	"assay"
)

// Job is what can be put into the queue. Its fields travel as JSON.
type Job interface{ Kind() string }

// Handlers does the work. An error means that the handler could not even begin or record its outcome: the job is delivered again
// soon. An assay.Conflict means that somebody else has taken the work over: the job is dropped.
type Handlers struct {
	Grade  func(ctx context.Context, job assay.GradeJob) error
	Packet func(ctx context.Context, job assay.PacketJob) error
}
