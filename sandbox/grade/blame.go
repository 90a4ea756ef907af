package grade

import (
	"fmt"
	"regexp"
	"strings"

	"assay"
)

var (
	tracebackFrame = regexp.MustCompile(`(?m)^  File "([^"\n]+)", line (\d{1,6}), in `)
	tracebackError = regexp.MustCompile(`(?m)^([A-Za-z_][A-Za-z0-9_.]*)(?::|$)`)
)

// blame says what broke in words that cannot carry a hidden input: the candidate's code saw those, and the text of an exception
// is written by it. What is left is the kind of a built-in exception, and the line of a file that was handed in.
func blame(kind Trouble, message string, q assay.Question, files []assay.File) string {
	if q.Interface == assay.InterfaceServe {
		switch kind {
		case TroubleTimeout:
			return "Your server gave no answer in time."
		case TroubleDied:
			return "Your server closed a connection without an answer, or was not there any more."
		default:
			return "What your server sent is no HTTP answer."
		}
	}
	switch kind {
	case TroubleTimeout:
		return "Your code gave no answer in time."
	case TroubleDied:
		return "Your program ended before it answered."
	case TroubleProtocol:
		return "Your code returned something that cannot be sent: use None, bool, int, float, str, bytes, list, tuple, dict or a numeric array."
	}
	name := "an exception"
	if all := tracebackError.FindAllStringSubmatch(message, -1); len(all) > 0 {
		if last := all[len(all)-1][1]; builtinErrors[last] {
			name = last
		}
	}
	where := ""
	for _, m := range tracebackFrame.FindAllStringSubmatch(message, -1) {
		for _, f := range files {
			if m[1] == "/workspace/"+f.Path || m[1] == f.Path {
				where = fmt.Sprintf(" in %s, line %s", f.Path, m[2])
			}
		}
	}
	return "Your code raised " + name + where + "."
}

var builtinErrors = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(`ArithmeticError AssertionError AttributeError BufferError EOFError FileExistsError FileNotFoundError
		FloatingPointError ImportError IndentationError IndexError IsADirectoryError KeyError LookupError MemoryError ModuleNotFoundError
		NameError NotADirectoryError NotImplementedError OSError OverflowError PermissionError RecursionError RuntimeError StopIteration
		SyntaxError SystemExit TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError ValueError ZeroDivisionError
		BrokenPipeError ConnectionError KeyboardInterrupt numpy.linalg.LinAlgError torch.cuda.OutOfMemoryError`) {
		set[name] = true
	}
	return set
}()
