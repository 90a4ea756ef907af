package questions

import (
	_ "embed"
	"encoding/json"
)

// Schema is the JSON schema of question.yaml, for editors and other tools. A test holds it against the reader.
//
//go:embed question.schema.json
var Schema []byte

// makeSchema prints a field table as a JSON schema (draft 2020-12). It says what the table says and no more: rules between values
// and the traps of YAML itself are Lint's.
func makeSchema(title string, t field) ([]byte, error) {
	s := t.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = title
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

func (t field) schema() map[string]any {
	s := map[string]any{}
	if t.doc != "" {
		s["description"] = t.doc
	}
	if t.value != nil {
		s["default"] = t.value
	}
	set := func(key string, v *float64) {
		if v != nil {
			s[key] = *v
		}
	}
	switch t.shape {
	case shapeObject:
		props, required := map[string]any{}, []string{}
		for _, sub := range t.fields {
			props[sub.name] = sub.schema()
			if sub.required {
				required = append(required, sub.name)
			}
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", props, false
		if len(required) > 0 {
			s["required"] = required
		}
	case shapeMap:
		s["type"], s["additionalProperties"] = "object", t.item.schema()
		s["propertyNames"] = map[string]any{"pattern": t.keys}
		set("minProperties", t.min)
		set("maxProperties", t.max)
	case shapeList:
		s["type"], s["items"] = "array", t.item.schema()
		set("minItems", t.min)
		set("maxItems", t.max)
	case shapeText:
		s["type"] = "string"
		if t.enum != nil {
			s["enum"] = t.enum
		}
		if t.pattern != "" {
			s["pattern"] = t.pattern
		}
		set("minLength", t.min)
		set("maxLength", t.max)
	case shapeInt, shapeNumber:
		s["type"] = map[shape]string{shapeInt: "integer", shapeNumber: "number"}[t.shape]
		set("minimum", t.min)
		set("maximum", t.max)
	case shapeBool:
		s["type"] = "boolean"
	case shapeSize:
		s["type"], s["pattern"] = []string{"string", "integer"}, patternSize
		s["minimum"], s["maximum"] = 1, 9_999_999_999
		s["description"] = t.doc + quantity("A size such as 256m", t)
	case shapeDuration:
		s["type"], s["pattern"] = "string", patternDuration
		s["description"] = t.doc + quantity("A duration such as 60s", t)
	case shapeScalar:
		s["type"] = []string{"string", "number", "boolean"}
	}
	return s
}

func quantity(what string, t field) string {
	if t.doc != "" {
		what = " " + what
	}
	return what + ": " + t.span() + "."
}
