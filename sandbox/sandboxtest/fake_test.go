package sandboxtest_test

import (
	"testing"

	"assay/sandbox/sandboxtest"
)

func TestFakeConforms(t *testing.T) {
	t.Parallel()
	sandboxtest.Conformance(t, &sandboxtest.Fake{})
}
