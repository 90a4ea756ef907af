package packet_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"testing"

	"assay"
	"assay/web/packet"
)

func verified(t *testing.T, data []byte, trusted ...ed25519.PrivateKey) packet.Result {
	t.Helper()
	var opts packet.VerifyOptions
	for _, k := range trusted {
		opts.TrustedKeys = append(opts.TrustedKeys, packet.Fingerprint(k))
	}
	res, err := packet.Verify(bytes.NewReader(data), int64(len(data)), opts)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func entries(t *testing.T, data []byte) []packet.Entry {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out []packet.Entry
	for _, f := range zr.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packet.Entry{Name: f.Name, Data: b})
	}
	return out
}

func zipped(t *testing.T, in []packet.Entry) []byte {
	t.Helper()
	b, err := packet.Zipped(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVerify(t *testing.T) {
	t.Parallel()
	m := made(t, decided(assay.BlindNothing))
	t.Run("trusted", func(t *testing.T) {
		res := verified(t, m.Zip, signingKey())
		if res.State != packet.Intact || res.Problem != "" || res.Packet != "pkt_00000000000000000000000002" || res.Version != 2 || res.Digest != m.Digest || res.ChainHead != m.ChainHead {
			t.Errorf("%+v", res)
		}
	})
	t.Run("no_key_named", func(t *testing.T) {
		if res := verified(t, m.Zip); res.State != packet.UnknownKey || res.Problem != "" || res.Fingerprint != packet.Fingerprint(signingKey()) {
			t.Errorf("%+v", res)
		}
	})
	t.Run("another_key_named", func(t *testing.T) {
		_, other, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if res := verified(t, m.Zip, other); res.State != packet.UnknownKey {
			t.Errorf("%+v", res)
		}
	})
}

// TestTamper alters each file in turn, and each file's absence, and every byte of a small packet.
func TestTamper(t *testing.T) {
	t.Parallel()
	all := entries(t, made(t, decided(assay.BlindNothing)).Zip)
	for i, e := range all {
		t.Run("flip/"+e.Name, func(t *testing.T) {
			t.Parallel()
			for _, at := range []int{0, len(e.Data) / 2, len(e.Data) - 1} {
				changed := append([]packet.Entry(nil), all...)
				changed[i].Data = bytes.Clone(e.Data)
				changed[i].Data[at] ^= 1
				res := verified(t, zipped(t, changed), signingKey())
				if res.State != packet.Altered && !(e.Name == "manifest.sig" && res.State == packet.Unsigned) || res.File != e.Name || res.Problem == "" {
					t.Errorf("byte %d: %+v", at, res)
				}
			}
		})
		t.Run("drop/"+e.Name, func(t *testing.T) {
			t.Parallel()
			changed := append(append([]packet.Entry(nil), all[:i]...), all[i+1:]...)
			res := verified(t, zipped(t, changed), signingKey())
			want := packet.Altered
			if e.Name == "manifest.sig" {
				want = packet.Unsigned
			}
			if res.State != want || res.File != e.Name {
				t.Errorf("%+v", res)
			}
		})
	}
	t.Run("add", func(t *testing.T) {
		t.Parallel()
		res := verified(t, zipped(t, append(append([]packet.Entry(nil), all...), packet.Entry{Name: "code/extra.py", Data: []byte("x")})), signingKey())
		if res.State != packet.Altered || res.File != "code/extra.py" {
			t.Errorf("%+v", res)
		}
	})
	t.Run("swap", func(t *testing.T) {
		t.Parallel()
		changed := append([]packet.Entry(nil), all...)
		changed[0], changed[1] = packet.Entry{Name: all[0].Name, Data: all[1].Data}, packet.Entry{Name: all[1].Name, Data: all[0].Data}
		if res := verified(t, zipped(t, changed), signingKey()); res.State != packet.Altered || res.File != all[0].Name {
			t.Errorf("%+v", res)
		}
	})
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	s := packet.Snapshot{Packet: assay.Packet{ID: "pkt_1", LoopID: "loop_1", RequestedAt: t0}, Loop: assay.Loop{ID: "loop_1"}, Candidate: assay.Candidate{ID: "cand_1", Name: "X"}}
	good := made(t, s).Zip
	step := 1
	if testing.Short() {
		step = 31
	}
	html := bytes.Index(good, []byte("<style>")) // in the middle of the two large files every 97th byte will do
	for at := 0; at < len(good); at += step {
		if at > html && at < len(good)-6000 {
			at += 96
		}
		bad := bytes.Clone(good)
		bad[at] ^= 0x20
		res, err := packet.Verify(bytes.NewReader(bad), int64(len(bad)), packet.VerifyOptions{TrustedKeys: []string{packet.Fingerprint(signingKey())}})
		if err != nil || res.State == packet.Intact || res.State == packet.UnknownKey || res.Problem == "" {
			t.Fatalf("byte %d of %d: %v, %+v", at, len(good), err, res)
		}
	}
	for name, bad := range map[string][]byte{"cut": good[:len(good)-7], "half": good[:len(good)/2], "tail": append(bytes.Clone(good), 0), "front": append([]byte("PK"), good...), "empty": nil} {
		if res := verified(t, bad, signingKey()); res.State != packet.Altered || res.Problem == "" {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	raw := func(write func(w *zip.Writer)) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		write(w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	add := func(w *zip.Writer, h *zip.FileHeader, body string) {
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(f, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	store := func(name string) *zip.FileHeader { return &zip.FileHeader{Name: name, Method: zip.Store} }
	link := store("packet.json")
	link.SetMode(fs.ModeSymlink | 0o777)
	bomb := &zip.FileHeader{Name: "packet.json", Method: zip.Deflate}
	lie := &zip.FileHeader{Name: "packet.json", Method: zip.Store, UncompressedSize64: 50 << 20, CompressedSize64: 50 << 20}
	for name, data := range map[string][]byte{
		"dotdot":    raw(func(w *zip.Writer) { add(w, store("../evil"), "x") }),
		"absolute":  raw(func(w *zip.Writer) { add(w, store("/etc/passwd"), "x") }),
		"backslash": raw(func(w *zip.Writer) { add(w, store(`..\evil`), "x") }),
		"drive":     raw(func(w *zip.Writer) { add(w, store("C:evil"), "x") }),
		"control":   raw(func(w *zip.Writer) { add(w, store("a\nb"), "x") }),
		"duplicate": raw(func(w *zip.Writer) { add(w, store("a"), "x"); add(w, store("a"), "y") }),
		"capitals":  raw(func(w *zip.Writer) { add(w, store("a"), "x"); add(w, store("A"), "y") }),
		"folder":    raw(func(w *zip.Writer) { add(w, store("a/"), "") }),
		"symlink":   raw(func(w *zip.Writer) { add(w, link, "/etc/passwd") }),
		"bomb":      raw(func(w *zip.Writer) { add(w, bomb, strings.Repeat("0", 80<<20)) }),
		"compressed": raw(func(w *zip.Writer) {
			add(w, &zip.FileHeader{Name: "packet.json", Method: zip.Deflate}, "hello hello hello")
		}),
		"false_size": raw(func(w *zip.Writer) {
			f, err := w.CreateRaw(lie)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = f.Write([]byte("short"))
		}),
		"many": raw(func(w *zip.Writer) {
			for i := range 20_001 {
				add(w, store("f"+strings.Repeat("x", i%7)+string(rune('a'+i%26))), "")
			}
		}),
		"no_manifest": zipped(t, []packet.Entry{{Name: "packet.html", Data: []byte("hi")}}),
		"not_a_zip":   []byte("just some text"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if res := verified(t, data, signingKey()); res.State != packet.Altered || res.Problem == "" {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestForgedButSigned is what an insider with the key could try: a packet that is signed well and wrong inside.
func TestForgedButSigned(t *testing.T) {
	t.Parallel()
	s := decided(assay.BlindNothing)
	for i := range s.Audit {
		if s.Audit[i].Act == "panel.seated" {
			s.Audit[i].Details = map[string]string{"user": string(duarte)} // the hash still speaks of another
		}
	}
	if res := verified(t, made(t, s).Zip, signingKey()); res.State != packet.Altered || res.File != "audit.ndjson" || !strings.Contains(res.Problem, "hash that its content gives") {
		t.Errorf("%+v", res)
	}
	s = decided(assay.BlindNothing)
	s.Audit[1].PrevHash = strings.Repeat("0", 64) // follows entry 2 directly
	s.Audit[1].Hash = s.Audit[1].ComputeHash()
	if res := verified(t, made(t, s).Zip, signingKey()); res.State != packet.Altered || res.File != "audit.ndjson" || !strings.Contains(res.Problem, "does not follow") {
		t.Errorf("%+v", res)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	good := made(t, decided(assay.BlindNothing)).JSON
	if err := packet.Validate(good); err != nil {
		t.Fatal(err)
	}
	alter := func(change func(d map[string]any)) error {
		var d map[string]any
		if err := json.Unmarshal(good, &d); err != nil {
			t.Fatal(err)
		}
		change(d)
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return packet.Validate(raw)
	}
	card := func(d map[string]any) map[string]any { return d["scorecards"].([]any)[0].(map[string]any) }
	for name, change := range map[string]func(d map[string]any){
		"score_5":           func(d map[string]any) { card(d)["ratings"].([]any)[0].(map[string]any)["score"] = 5 },
		"score_0":           func(d map[string]any) { card(d)["ratings"].([]any)[0].(map[string]any)["score"] = 0 },
		"score_half":        func(d map[string]any) { card(d)["ratings"].([]any)[0].(map[string]any)["score"] = 2.5 },
		"no_integrity":      func(d map[string]any) { delete(d, "integrity") },
		"no_audit":          func(d map[string]any) { delete(d, "audit") },
		"total_score":       func(d map[string]any) { d["total_score"] = 3.1 },
		"verdict_on_person": func(d map[string]any) { d["candidate"].(map[string]any)["verdict"] = "hire" },
		"private_note":      func(d map[string]any) { card(d)["private_note"] = "x" },
		"accommodation":     func(d map[string]any) { d["process"].(map[string]any)["accommodations"] = []any{} },
		"extension": func(d map[string]any) {
			d["process"].(map[string]any)["credits"].([]any)[0].(map[string]any)["cause"] = "extension"
		},
		"maybe":            func(d map[string]any) { card(d)["overall"] = "maybe" },
		"not_a_date":       func(d map[string]any) { d["packet"].(map[string]any)["built_at"] = "yesterday" },
		"saw_others_first": func(d map[string]any) { card(d)["seen_before_submit"].(map[string]any)["other_scorecards"] = true },
	} {
		if err := alter(change); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
