package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// form reads the fields of a submitted form and gathers what is wrong with them, by field, so that a person sees every complaint
// at once. The getters return the cleaned value even when it is refused; err says whether anything was.
type form struct {
	view.Form
}

// readForm parses the body. A body that is too long is TooLarge.
func readForm(c *gin.Context) (*form, error) {
	err := c.Request.ParseForm() // ParseMultipartForm alone would swallow what is wrong with a plain form
	if err == nil {
		err = c.Request.ParseMultipartForm(1 << 20)
	}
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			return nil, err
		}
		return nil, assay.Errorf(assay.Invalid, "The form could not be read.")
	}
	return &form{view.Form{Values: c.Request.PostForm, Errors: map[string]string{}}}, nil
}

// wrong notes a complaint; the first one about a field stays.
func (f *form) wrong(field, format string, args ...any) {
	if f.Errors[field] == "" {
		f.Errors[field] = fmt.Sprintf(format, args...)
	}
}

// err is an Invalid error naming every refused field, or nil.
func (f *form) err() error { return assay.FieldErrors(f.Errors) }

// take adds the fields that err names (from storage, say) and reports whether err was about fields at all.
func (f *form) take(err error) bool {
	fields := assay.ErrorFields(err)
	for k, v := range fields {
		f.wrong(k, "%s", v)
	}
	return len(fields) > 0
}

// text is a line or more of text without surrounding space, at most max characters.
func (f *form) text(field string, max int) string {
	v := strings.TrimSpace(strings.ReplaceAll(f.Values.Get(field), "\r\n", "\n"))
	switch {
	case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
		f.wrong(field, "This is not plain text.")
		return ""
	case utf8.RuneCountInString(v) > max:
		f.wrong(field, "At most %d characters; this has %d.", max, utf8.RuneCountInString(v))
	}
	return v
}

// required is text that may not be empty.
func (f *form) required(field string, max int) string {
	v := f.text(field, max)
	if v == "" {
		f.wrong(field, "Please fill this in.")
	}
	return v
}

func (f *form) email(field string) string {
	v := f.required(field, 254)
	if v == "" {
		return ""
	}
	if a, err := mail.ParseAddress(v); err != nil || a.Address != v {
		f.wrong(field, "This does not look like a mail address, e.g. name@example.org.")
	}
	return strings.ToLower(v)
}

func (f *form) number(field string, min, max int) int {
	v, err := strconv.Atoi(strings.TrimSpace(f.Values.Get(field)))
	if err != nil || v < min || v > max {
		f.wrong(field, "A whole number from %d to %d.", min, max)
	}
	return v
}

func (f *form) bool(field string) bool {
	v := f.Values.Get(field)
	return v == "on" || v == "true" || v == "1"
}

// when reads a date and time: RFC 3339, or what <input type=datetime-local> sends together with the field's zone offset in
// minutes under field_zone (written by a script; UTC without one).
func (f *form) when(field string) time.Time {
	v := strings.TrimSpace(f.Values.Get(field))
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t.UTC()
	}
	offset, _ := strconv.Atoi(f.Values.Get(field + "_zone"))
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.Add(time.Duration(offset) * time.Minute).UTC()
		}
	}
	f.wrong(field, "A date and a time, e.g. 2026-11-30 14:00.")
	return time.Time{}
}

// choice is one of the options.
func choice[T ~string](f *form, field string, options []T) T {
	v := T(f.Values.Get(field))
	if !slices.Contains(options, v) {
		f.wrong(field, "Choose one of the options.")
	}
	return v
}

// choices are any of the options, in the options' order.
func choices[T ~string](f *form, field string, options []T) []T {
	var out []T
	for _, o := range options {
		if slices.Contains(f.Values[field], string(o)) {
			out = append(out, o)
		}
	}
	for _, v := range f.Values[field] {
		if !slices.Contains(options, T(v)) {
			f.wrong(field, "Choose from the options.")
		}
	}
	return out
}
