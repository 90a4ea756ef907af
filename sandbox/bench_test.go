package sandbox_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/sandbox"
)

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// TestLatency measures; it asserts nothing about time. Set ASSAY_TEST_BENCH=1 to run it.
func TestLatency(t *testing.T) {
	if os.Getenv("ASSAY_TEST_BENCH") != "1" {
		t.Skip("measures only; set ASSAY_TEST_DOCKER=1 and ASSAY_TEST_BENCH=1")
	}
	d := open(t)
	for _, c := range []struct {
		profile, code string
		n             int
	}{{"bare", "print(1)", 15}, {"numpy", "import numpy as np; print(np.ones(3).sum())", 10}, {"full", "import torch; print(torch.ones(3).sum())", 5}} {
		var cold, cli []time.Duration
		for range c.n {
			began := time.Now()
			o, err := d.Run(t.Context(), spec(c.code, func(s *sandbox.Spec) { s.Profile, s.Limits.Memory = c.profile, 1<<30 }), sandbox.Streams{})
			if err != nil || !o.OK() {
				t.Fatal(o, err)
			}
			cold = append(cold, time.Since(began))
			began = time.Now()
			out, err := exec.Command("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
				"--memory", "1g", "--cpus", "1", "--pids-limit", "128", "--log-driver", "none", "--init", "--tmpfs", "/workspace", "assay/sandbox-"+c.profile+":dev",
				"python3", "-c", c.code).CombinedOutput()
			if err != nil {
				t.Fatal(err, string(out))
			}
			cli = append(cli, time.Since(began))
		}
		t.Logf("%s: Run %s, docker run %s (medians of %d)", c.profile, median(cold), median(cli), c.n)
	}
}

// TestServeOverhead measures one request over a kept connection: dialled straight, and through a judge's upstream socket.
func TestServeOverhead(t *testing.T) {
	if os.Getenv("ASSAY_TEST_BENCH") != "1" {
		t.Skip("measures only; set ASSAY_TEST_DOCKER=1 and ASSAY_TEST_BENCH=1")
	}
	d := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := spec(`
import socket, threading
def serve(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while c.recv(65536): c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
l = socket.create_server(("127.0.0.1", 8000))
while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
`, func(s *sandbox.Spec) { s.Port = 8000 })
	dials := make(chan sandbox.Dial, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.Run(ctx, server, sandbox.Streams{Ready: func(dial sandbox.Dial) { dials <- dial }})
	}()
	dial := <-dials
	began := time.Now()
	for range 50 {
		conn, err := dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	t.Logf("a dial takes %s", time.Since(began)/50)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}
	var took []time.Duration
	for range 3000 {
		began := time.Now()
		resp, err := client.Get("http://candidate/")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(began))
	}
	t.Logf("a request from here takes %s (median)", median(took))
	var out strings.Builder
	judge := spec(`
import os, socket, time
def measure(s):
    t = []
    for _ in range(3000):
        a = time.perf_counter(); s.sendall(b"GET / HTTP/1.1\r\nHost: c\r\n\r\n"); s.recv(4096); t.append(time.perf_counter() - a)
    return sorted(t)[1500] * 1e6
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["ASSAY_UPSTREAM"])
print("%.0f us" % measure(s))
`)
	o, err := d.Run(ctx, judge, sandbox.Streams{Stdout: &out, Stderr: &out, Upstream: dial})
	if err != nil || !o.OK() {
		t.Fatal(o, err, out.String())
	}
	t.Logf("a request from a judge's container through its upstream socket takes %s", strings.TrimSpace(out.String()))
	cancel()
	<-over
}
