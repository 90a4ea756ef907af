package queue_test

import (
	"os"
	"strings"
	"testing"

	"assay/storage/queue"
)

// What the queue does is tested through package storage, on both engines; see storage/work_test.go and crash_test.go.

func TestVersionIsTheOneInUse(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/riverqueue/river v"+queue.Version+"\n") {
		t.Errorf("go.mod has another River than %s: change queue.Version with it", queue.Version)
	}
}
