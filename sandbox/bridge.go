package sandbox

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
)

// bridge copies between two ends until both directions have ended or ctx does, then closes both. The end of one direction is
// passed on as such, so half-closed connections keep working.
func bridge(ctx context.Context, a, b io.ReadWriteCloser) {
	stop := context.AfterFunc(ctx, func() { a.Close(); b.Close() })
	defer stop()
	var both sync.WaitGroup
	half := func(to, from io.ReadWriteCloser) {
		_, err := io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
			half.CloseWrite()
			return
		}
		a.Close()
		b.Close()
	}
	both.Go(func() { half(a, b) })
	half(b, a)
	both.Wait()
	a.Close()
	b.Close()
}

// listenFor makes a unix socket that any user of the container may connect to.
func listenFor(path string) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// wireFile is the descriptor of the process's end of the wire. The socket that Pipe made is it, untouched; anything else is copied
// to and from one of ours.
func (r *run) wireFile(ctx context.Context) (*os.File, error) {
	if conn, ok := r.st.Wire.(*net.UnixConn); ok {
		return conn.File()
	}
	near, far, err := Pipe()
	if err != nil {
		return nil, err
	}
	r.helpers.Go(func() { bridge(ctx, r.st.Wire, near) })
	defer far.Close()
	return far.(*net.UnixConn).File()
}

func openNull() (*os.File, error) { return os.Open(os.DevNull) }
