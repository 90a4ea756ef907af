package assay

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is, for the machine: web maps it to a status, the CLI to an exit code.
type Code string

const (
	Invalid         Code = "invalid"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden"
	NotFound        Code = "not_found"
	Conflict        Code = "conflict"
	TooLarge        Code = "too_large"
	RateLimited     Code = "rate_limited"
	Unavailable     Code = "unavailable"
	Internal        Code = "internal"
)

// Error is a failure that a person may be told of. Message is for the person at the screen; what was being done is added by
// wrapping and stays in the log.
type Error struct {
	Code    Code
	Message string
	// Fields names the faulty inputs of a form, by field name. Empty for everything else.
	Fields map[string]string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error. The message is shown to people: a sentence they can act on, with nothing secret in it.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// FieldErrors makes an Invalid error about a form, or nil when fields is empty.
func FieldErrors(fields map[string]string) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: "Some fields need another look.", Fields: fields}
}

// ErrorCode finds the code of err, looking through wrapping: "" for nil, Internal for an error that carries none.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// ErrorMessage is what a person may read of err. An internal error keeps its details for the log.
func ErrorMessage(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Code != Internal {
		return e.Message
	}
	return "Something went wrong on our side. Nothing you entered is lost."
}

// ErrorFields returns the faulty inputs that err names, nil when there are none.
func ErrorFields(err error) map[string]string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fields
	}
	return nil
}
