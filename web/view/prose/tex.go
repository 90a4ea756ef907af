package prose

import (
	"errors"
	"fmt"
	"time"

	"github.com/dop251/goja"
)

// texPool runs Temml, a script, in interpreters of our own. An interpreter serves one formula at a time; each is started when it is
// first needed, and one that had to be stopped is thrown away.
type texPool struct {
	source string
	idle   chan *tex // nil entries stand for interpreters not started yet
}

type tex struct {
	vm *goja.Runtime
	fn goja.Callable
}

const (
	texTime   = 500 * time.Millisecond
	texLength = 4000
)

func newTexPool(source string, n int) *texPool {
	p := &texPool{source: source, idle: make(chan *tex, n)}
	for range n {
		p.idle <- nil
	}
	return p
}

// render sets one formula. A runaway formula is stopped.
func (p *texPool) render(formula string, display bool) (out string, err error) {
	if len(formula) > texLength {
		return "", fmt.Errorf("a formula of %d bytes", len(formula))
	}
	t := <-p.idle
	defer func() { p.idle <- t }()
	if t == nil {
		fresh, err := startTex(p.source)
		if err != nil {
			return "", err
		}
		t = fresh
	}
	timer := time.AfterFunc(texTime, func() { t.vm.Interrupt(errRunaway) })
	v, err := t.fn(goja.Undefined(), t.vm.ToValue(formula), t.vm.ToValue(display))
	if !timer.Stop() {
		t = nil // it may have been interrupted half-way; start afresh next time
	}
	if err != nil {
		return "", fmt.Errorf("formula: %w", err)
	}
	return v.String(), nil
}

var errRunaway = errors.New("took too long")

func startTex(source string) (*tex, error) {
	vm := goja.New()
	vm.SetMaxCallStackSize(2000)
	if _, err := vm.RunString(source); err != nil {
		return nil, fmt.Errorf("start the formula renderer: %w", err)
	}
	fn, ok := goja.AssertFunction(vm.Get("tex"))
	if !ok {
		return nil, errors.New("the formula renderer has no tex function")
	}
	return &tex{vm, fn}, nil
}
