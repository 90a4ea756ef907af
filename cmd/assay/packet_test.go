package main

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/web/packet"
)

func TestPacketVerify(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	made, err := packet.Make(packet.Snapshot{Build: "test", Loop: assay.Loop{ID: "loop_1"}, Candidate: assay.Candidate{ID: "cand_1", Name: "X"},
		Packet: assay.Packet{ID: "pkt_1", LoopID: "loop_1", RequestedAt: time.Unix(0, 0)}}, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.zip", made.Zip)
	bad := bytes.Replace(made.Zip, []byte("Hire"), []byte("Fire"), 1)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"trusted":     {[]string{good, "--key", packet.Fingerprint(key)}, 0, "which is a key you trust"},
		"no_key":      {[]string{good}, 0, "compare it with the one at /.well-known/assay-packet-key"},
		"another_key": {[]string{good, "--key", packet.Fingerprint(other)}, 1, "SIGNED BY ANOTHER KEY"},
		"altered":     {[]string{write("bad.zip", bad), "--key", packet.Fingerprint(key)}, 1, "packet.html"},
		"no_packet":   {[]string{write("no.zip", []byte("hello"))}, 1, "not a zip"},
		"no_file":     {[]string{filepath.Join(dir, "none.zip")}, 2, "none.zip"},
		"folder":      {[]string{dir}, 2, "not a file"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"packet", "verify"}, c.args...), nil, strings.NewReader(""), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit %d\n%s", name, code, out.String())
		}
	}
}
