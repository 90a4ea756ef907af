package storage

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"gorm.io/gorm"
)

// tidy makes every row fit both engines before it is inserted: times in UTC and microseconds (SQLite compares them as text), texts
// in UTF-8 without NUL (PostgreSQL refuses others, and programs print anything).
func tidy(g *gorm.DB) error {
	return g.Callback().Create().Before("gorm:create").Register("assay:tidy", func(g *gorm.DB) {
		if g.Statement.Schema == nil {
			return
		}
		rows := reflect.Indirect(g.Statement.ReflectValue)
		if rows.Kind() == reflect.Slice {
			for i := range rows.Len() {
				tidyRow(reflect.Indirect(rows.Index(i)))
			}
		} else {
			tidyRow(rows)
		}
	})
}

func tidyRow(row reflect.Value) {
	if row.Kind() != reflect.Struct {
		return
	}
	for i := range row.NumField() {
		f := row.Field(i)
		if !f.CanSet() {
			continue
		}
		switch v := f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(stamp(v)))
		case *time.Time:
			if v != nil {
				u := stamp(*v)
				f.Set(reflect.ValueOf(&u))
			}
		default:
			if f.Kind() == reflect.String {
				f.SetString(cleanText(f.String()))
			}
		}
	}
}

// clean is tidy for one value of an update.
func clean(v any) any {
	if at, ok := v.(time.Time); ok {
		return stamp(at)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return cleanText(r.String())
	}
	return v
}

func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// asJSON is a value for a JSON column of an update.
func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
