package grade

import (
	"strings"
	"testing"

	"assay"
)

func TestBlameCarriesNoHiddenInput(t *testing.T) {
	t.Parallel()
	files := []assay.File{{Path: "solution.py"}, {Path: "lib/util.py"}}
	call := assay.Question{Interface: assay.InterfaceCall}
	trace := func(last string) string {
		return "Traceback (most recent call last):\n  File \"/workspace/solution.py\", line 7, in softmax\n    return util.go(x)\n" +
			"  File \"/workspace/lib/util.py\", line 12, in <SECRET>\n    raise E(x)\n  File \"/usr/lib/python3/numpy/SECRET.py\", line 1, in z\n" + last
	}
	cases := []struct {
		message, want string
	}{
		{trace("ValueError: SECRET 1.25"), "Your code raised ValueError in lib/util.py, line 12."},
		{trace("SECRET: x"), "Your code raised an exception in lib/util.py, line 12."},
		{trace("solution.SECRETError: x\nKeyError"), "Your code raised KeyError in lib/util.py, line 12."},
		{"SECRET", "Your code raised an exception."},
		{"", "Your code raised an exception."},
		{"  File \"/workspace/SECRET.py\", line 99, in x\nIndexError: SECRET", "Your code raised IndexError."},
		{"  File \"/workspace/solution.py\", line 123456789, in x\nIndexError", "Your code raised IndexError."},
	}
	for _, c := range cases {
		if got := blame(TroubleRaised, c.message, call, files); got != c.want || strings.Contains(got, "SECRET") {
			t.Errorf("%q: %q, want %q", c.message, got, c.want)
		}
	}
	for _, iface := range []assay.Interface{assay.InterfaceCall, assay.InterfaceServe} {
		for _, kind := range []Trouble{TroubleTimeout, TroubleDied, TroubleProtocol} {
			if got := blame(kind, "SECRET", assay.Question{Interface: iface}, files); got == "" || strings.Contains(got, "SECRET") {
				t.Errorf("%s %s: %q", iface, kind, got)
			}
		}
	}
}
