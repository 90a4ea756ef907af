package grade

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"assay"
	"assay/sandbox"
)

// reportJSON turns the tree of a report frame into the JSON that readReport reads: numbers keep NaN and infinities as the texts
// that assay.Float knows. A part that no report has, such as an array or a key that is no text, is the harness's fault.
func reportJSON(v sandbox.Value) ([]byte, error) {
	plain, err := plainValue(v)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return nil, harnessFault("the report cannot be read: %v", err)
	}
	return b, nil
}

func plainValue(v sandbox.Value) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, int64, *big.Int:
		return v, nil
	case string:
		return strings.ToValidUTF8(v, "\ufffd"), nil
	case float64:
		return assay.Float(v), nil
	case sandbox.List:
		return plainList(v)
	case sandbox.Tuple:
		return plainList(v)
	case sandbox.Dict:
		out := map[string]any{}
		for _, p := range v {
			key, ok := p.Key.(string)
			if !ok {
				return nil, harnessFault("the report has the key %v, which is no text", p.Key)
			}
			if _, twice := out[key]; twice {
				return nil, harnessFault("the report has the key %.40q twice", key)
			}
			value, err := plainValue(p.Value)
			if err != nil {
				return nil, err
			}
			out[key] = value
		}
		return out, nil
	}
	return nil, harnessFault("the report holds a %s, which has no place there", fmt.Sprintf("%T", v))
}

func plainList(items []sandbox.Value) (any, error) {
	out := make([]any, len(items))
	for i, item := range items {
		var err error
		if out[i], err = plainValue(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}
