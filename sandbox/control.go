package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Frames between us and runtime/boot.py: u8 type | u32 length | payload. Those that come from inside are written by a process that
// a candidate's program may have taken over: each is bounded, and its content is that program's word.
const (
	frameReady   = 'R'
	frameStarted = 'S'
	frameEnded   = 'X'
	frameConn    = 'C'
	frameFile    = 'F'
	frameData    = 'D'
	frameEnd     = 'E'
	frameFault   = '!'
	frameGo      = 'G'
	frameCollect = 'K'

	maxControlFrame = 1 << 20
)

type frame struct {
	kind    byte
	payload []byte
	fd      int // -1 when none came
}

// control is our end of a container's control socket.
type control struct {
	conn *net.UnixConn
	mu   sync.Mutex // of writes
}

// goOrder is what a program needs to start; the bytes of its files follow the frame.
type goOrder struct {
	Argv  []string `json:"argv"`
	Env   []string `json:"env"`
	Files []any    `json:"files"`
}

func (c *control) send(kind byte, message any, fds ...int) error {
	payload, err := json.Marshal(message)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(payload)))
	if len(fds) > 0 {
		if _, _, err := c.conn.WriteMsgUnix(head, syscall.UnixRights(fds...), nil); err != nil {
			return err
		}
		head = nil
	}
	_, err = c.conn.Write(append(head, payload...))
	return err
}

// receive reads the next frame. A descriptor comes with its first byte; more than one is never taken.
func (c *control) receive() (frame, error) {
	f := frame{fd: -1}
	var head [5]byte
	oob := make([]byte, syscall.CmsgSpace(4))
	for got := 0; got < len(head); {
		n, on, _, _, err := c.conn.ReadMsgUnix(head[got:], oob)
		if on > 0 {
			f.takeFD(oob[:on])
		}
		if err == nil && n == 0 {
			err = io.EOF
		}
		if err != nil {
			f.close()
			return frame{}, err
		}
		got += n
	}
	f.kind = head[0]
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxControlFrame {
		f.close()
		return frame{}, fmt.Errorf("a frame of %d bytes from inside a container", n)
	}
	f.payload = make([]byte, n)
	if _, err := io.ReadFull(c.conn, f.payload); err != nil {
		f.close()
		return frame{}, err
	}
	return f, nil
}

func (f *frame) takeFD(oob []byte) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if f.fd >= 0 {
				syscall.Close(fd)
				continue
			}
			f.fd = fd
		}
	}
}

func (f *frame) close() {
	if f.fd >= 0 {
		syscall.Close(f.fd)
		f.fd = -1
	}
}

// netConn makes the descriptor of f a connection. Only a stream socket passes; anything else that a container hands out is closed.
func (f *frame) netConn() (net.Conn, error) {
	if f.fd < 0 {
		var answer struct{ Error string }
		if err := json.Unmarshal(f.payload, &answer); err != nil || answer.Error == "" {
			answer.Error = "no connection came"
		}
		return nil, errors.New(clip(answer.Error, 200))
	}
	file := os.NewFile(uintptr(f.fd), "container")
	f.fd = -1
	defer file.Close()
	if kind, err := syscall.GetsockoptInt(int(file.Fd()), syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_STREAM {
		return nil, errors.New("what came from the container is no stream socket")
	}
	return net.FileConn(file)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
