package packet

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed packet.schema.json
var schemaJSON []byte

var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		panic("packet.schema.json: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource("packet.schema.json", doc); err != nil {
		panic("packet.schema.json: " + err.Error())
	}
	return c.MustCompile("packet.schema.json")
})

// noLoader keeps validation offline: the schema stands alone.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) { return nil, fmt.Errorf("%s is not looked up", url) }

// validate checks packet.json against the schema; the error is one sentence about the first fault.
func validate(data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	err = schema().Validate(doc)
	fault, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	for len(fault.Causes) > 0 {
		fault = fault.Causes[0]
	}
	return fmt.Errorf("at /%s: %s", strings.Join(fault.InstanceLocation, "/"), fault.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}
