package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"assay/sandbox/grade"
	"assay/storage/queue"
	"assay/web"
	"assay/web/packet"
)

type serveCmd struct {
	Only string `help:"Run only the pages or only the grading: web or worker." enum:"web,worker,both" default:"both"`
	Demo bool   `help:"Load a demo into an empty database and print its links and one-time passwords."`
}

// drain is how long open requests and running attempts get after the signal to stop. An attempt that is not done by then is
// handed back and graded by whoever comes next.
const drain = 10 * time.Second

// Run wires the house and serves until the context ends.
func (cmd serveCmd) Run(a *app) error {
	db, err := a.openStorage()
	if err != nil {
		return err
	}
	defer db.Close()
	blobs, err := a.openBlobs()
	if err != nil {
		return err
	}
	bank, err := a.openBank()
	if err != nil {
		return err
	}
	key, err := packet.LoadOrCreateKey(a.keyPath())
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}

	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	var parts sync.WaitGroup
	failed := make(chan error, 4)
	endPages := func() {}

	if cmd.Only != "web" {
		box, err := a.openSandbox(ctx)
		if err != nil {
			return fmt.Errorf("open the sandbox (“assay doctor” says more): %w", err)
		}
		defer box.Close()
		grader := &grade.Grader{DB: db, Blobs: blobs, Runner: box, Log: a.log, Worker: workerName(), Build: build, GPU: a.cfg.GPU}
		packets := &packet.Builder{DB: db, Blobs: blobs, Key: key, Build: build}
		parts.Go(func() {
			if err := db.Work(ctx, queue.Handlers{Grade: grader.Handle, Packet: packets.Handle}, a.cfg.Workers); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("worker: %w", err)
			}
		})
	}
	if cmd.Only != "worker" {
		site := &web.Server{DB: db, Bank: bank, Blobs: blobs, Log: a.log, BaseURL: a.cfg.BaseURL, Build: build,
			SecureCookies: a.cfg.SecureCookies, PacketKeys: []string{packet.Fingerprint(key)}}
		listener, err := net.Listen("tcp", a.cfg.Listen)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if strings.HasSuffix(a.cfg.Listen, ":0") && site.BaseURL == "http://"+a.cfg.Listen {
			site.BaseURL = "http://" + listener.Addr().String()
		}
		pages := http.NewServeMux()
		pages.Handle("GET "+packet.WellKnownPath, packet.WellKnown(key))
		pages.Handle("/", site.Handler())
		server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
		parts.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
		parts.Go(func() { closeExpired(ctx, a, site) })
		endPages = func() {
			site.Stop()
			stop, done := context.WithTimeout(context.WithoutCancel(ctx), drain)
			defer done()
			if server.Shutdown(stop) != nil {
				server.Close()
			}
		}
		defer endPages()
		if cmd.Demo {
			if err := loadDemo(ctx, a, site); err != nil {
				return fmt.Errorf("load the demo: %w", err)
			}
		}
		fmt.Fprintf(a.stdout, "Assay is serving on %s\n", site.BaseURL)
	} else {
		fmt.Fprintln(a.stdout, "Assay is grading")
	}

	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stdout, "Stopping; attempts in the middle go on at the next start.")
	case err = <-failed:
	}
	cancel()
	endPages()
	parts.Wait()
	return err
}

// closeExpired ends sittings whose time is over, handing in what was typed.
func closeExpired(ctx context.Context, a *app, site *web.Server) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := site.CloseExpired(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("close expired interviews", "error", err)
			}
		}
	}
}

// workerName tells workers apart in the attempts table.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
