package packet_test

import (
	"crypto/ed25519"
	"encoding/json"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/web/packet"

	"github.com/google/go-cmp/cmp"
)

func TestSummarise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scores          []int
		mean, low, high float64
		gap             *int
	}{
		{[]int{3, 3, 3}, 3, 2.6, 3.4, ptr(0)},
		{[]int{4, 2}, 3, 2.5, 3.5, ptr(2)},
		{[]int{3, 3, 4}, 3.33, 2.9, 3.8, ptr(1)},
		{[]int{2}, 2, 1.3, 2.7, nil},
		{[]int{4}, 4, 3.3, 4, nil},
		{[]int{1, 1}, 1, 1, 1.5, ptr(0)},
	} {
		want := packet.DocSummary{N: len(c.scores), Mean: &c.mean, Low68: &c.low, High68: &c.high, MaxGap: c.gap}
		if d := cmp.Diff(want, packet.Summarise(c.scores)); d != "" {
			t.Errorf("%v: %s", c.scores, d)
		}
	}
	if d := cmp.Diff(packet.DocSummary{}, packet.Summarise(nil)); d != "" {
		t.Error(d)
	}
}

// TestCanonicalJSON holds ours to the examples of RFC 8785.
func TestCanonicalJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`:                                        `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`: "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		`[-0,1e21,1e-7,123456789012345680000,<>]`:             "",
		`["<b>&\u2028",-0.0,1e21,1e-7,100000000000000000000]`: "[\"<b>&\u2028\",0,1e+21,1e-7,100000000000000000000]",
	} {
		got, err := packet.CanonicalJSON(json.RawMessage(in))
		if want == "" {
			if err == nil {
				t.Errorf("%s is accepted", in)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
	if _, err := packet.CanonicalJSON(math.NaN()); err == nil {
		t.Error("NaN is no JSON")
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	t.Run("made_once", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "deep", "packet.key")
		keys := make([]ed25519.PrivateKey, 8)
		var wg sync.WaitGroup
		for i := range keys { // several processes may start at once
			wg.Go(func() {
				k, err := packet.LoadOrCreateKey(path)
				if err != nil {
					t.Error(err)
				}
				keys[i] = k
			})
		}
		wg.Wait()
		for _, k := range keys {
			if !k.Equal(keys[0]) {
				t.Fatal("two keys were made")
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".packet-key-*"))
		if len(left) > 0 {
			t.Errorf("%v was left", left)
		}
	})
	t.Run("never_replaced", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "packet.key")
		if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := packet.LoadOrCreateKey(path); err == nil {
			t.Error("a file that is no key was accepted")
		}
		if raw, _ := os.ReadFile(path); string(raw) != "not a key" {
			t.Error("the file was replaced")
		}
	})
	t.Run("readable_by_others", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "packet.key")
		if _, err := packet.LoadOrCreateKey(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := packet.LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%v", err)
		}
	})
	t.Run("published", func(t *testing.T) {
		t.Parallel()
		w := httptest.NewRecorder()
		packet.WellKnown(signingKey())(w, httptest.NewRequest("GET", packet.WellKnownPath, nil))
		if body := w.Body.String(); !strings.Contains(body, packet.Fingerprint(signingKey())) || !strings.Contains(body, "BEGIN PUBLIC KEY") || strings.Contains(body, "PRIVATE") {
			t.Error(body)
		}
	})
	t.Run("compared_as_people_copy", func(t *testing.T) {
		t.Parallel()
		fp := packet.Fingerprint(signingKey())
		bare := strings.TrimPrefix(fp, "sha256:")
		for _, as := range []string{fp, bare, strings.ToUpper(bare), bare[:32] + " " + bare[32:]} {
			if !packet.SameKey(as, fp) {
				t.Errorf("%q is not taken for %q", as, fp)
			}
		}
		for _, not := range []string{"", bare[:63], bare[:63] + "0x", "sha256:"} {
			if packet.SameKey(not, fp) {
				t.Errorf("%q is taken for %q", not, fp)
			}
		}
	})
}
