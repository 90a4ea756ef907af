package packet

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// State is what Verify found, in one word.
type State string

const (
	Intact     State = "intact"      // unaltered, and signed by a key that the caller trusts
	UnknownKey State = "unknown_key" // unaltered since it was signed, but by a key that the caller did not name
	Unsigned   State = "unsigned"    // there is no signature, so nothing can be said
	Altered    State = "altered"     // something is not as it was signed, or no packet at all
)

// Result says what Verify found. File and Problem name the first fault and are empty without one.
type Result struct {
	State       State
	File        string
	Problem     string
	Fingerprint string // of the key that signed
	Packet      string
	Version     int
	BlindLevel  string
	BuiltAt     string
	ChainHead   string
	Files       int
	Digest      string // sha256 of the manifest, as the server's row has it
}

// VerifyOptions says whom to trust.
type VerifyOptions struct {
	TrustedKeys []string // fingerprints, as Fingerprint writes them
}

// Bounds on what Verify reads; a packet that Make writes stays far below.
const (
	maxEntries  = 20_000
	maxEntry    = 64 << 20
	maxUnpacked = 512 << 20
)

// fault is a problem with one file.
type fault struct{ file, problem string }

func (f *fault) Error() string { return f.file + ": " + f.problem }

func faultf(file, format string, args ...any) *fault {
	return &fault{file, fmt.Sprintf(format, args...)}
}

// Verify checks a packet offline. The error is for a reader that fails; everything about the packet itself is in the Result.
func Verify(r io.ReaderAt, size int64, opts VerifyOptions) (Result, error) {
	res := Result{State: Altered}
	files, err := unpack(r, size)
	if err == nil {
		err = check(files, &res)
	}
	if f, ok := errors.AsType[*fault](err); ok {
		res.File, res.Problem = f.file, f.problem
		return res, nil
	}
	if err != nil {
		return res, err
	}
	res.State = UnknownKey
	for _, k := range opts.TrustedKeys {
		if sameFingerprint(k, res.Fingerprint) {
			res.State = Intact
		}
	}
	return res, nil
}

// unpack reads the archive and refuses whatever Make would not have written: the archive is one of ours byte for byte, or none.
func unpack(r io.ReaderAt, size int64) ([]file, error) {
	zr, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, faultf("", "This is not a zip archive, or it was cut off.")
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("open packet: %w", err)
	}
	if len(zr.File) > maxEntries {
		return nil, faultf("", "The archive has %d entries; no packet has more than %d.", len(zr.File), maxEntries)
	}
	var files []file
	var total uint64
	seen := map[string]string{}
	for _, f := range zr.File {
		if p := nameFault(f.Name); p != "" {
			return nil, faultf(f.Name, "%s", p)
		}
		if other, twice := seen[strings.ToLower(f.Name)]; twice {
			return nil, faultf(f.Name, "The archive has this name twice (as %q before).", other)
		}
		seen[strings.ToLower(f.Name)] = f.Name
		if !f.Mode().IsRegular() {
			return nil, faultf(f.Name, "This is a link or a folder; a packet holds files alone.")
		}
		total += f.UncompressedSize64
		if f.UncompressedSize64 > maxEntry || total > maxUnpacked {
			return nil, faultf(f.Name, "Unpacked it would be larger than any packet.")
		}
		if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
			return nil, faultf(f.Name, "It is stored in another way than packets are.")
		}
		if f.UncompressedSize64 > uint64(size) {
			return nil, faultf(f.Name, "It claims to be larger than the archive it is in.")
		}
		rc, err := f.Open()
		if err != nil {
			return nil, faultf(f.Name, "It cannot be read from the archive.")
		}
		data, err := io.ReadAll(io.LimitReader(rc, int64(f.UncompressedSize64)+1))
		rc.Close()
		if errors.Is(err, zip.ErrChecksum) {
			return nil, faultf(f.Name, "It was altered: its bytes do not fit the checksum in the archive.")
		}
		if err != nil || uint64(len(data)) != f.UncompressedSize64 {
			return nil, faultf(f.Name, "It cannot be read from the archive.")
		}
		files = append(files, file{f.Name, data})
	}
	return files, sameArchive(r, size, files)
}

// sameArchive writes the archive again and compares: what hides between, before or behind the files has no place to hide.
func sameArchive(r io.ReaderAt, size int64, files []file) error {
	want, err := zipped(files)
	if err != nil {
		return fmt.Errorf("rebuild archive: %w", err)
	}
	have := io.NewSectionReader(r, 0, size)
	buf := make([]byte, 1<<16)
	for at := int64(0); ; {
		n, err := have.Read(buf)
		for i := range n {
			if p := at + int64(i); p >= int64(len(want)) || buf[i] != want[p] {
				return faultf(ownerOf(files, p), "The archive round it was altered: byte %d is not what a packet has there.", p)
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			if at != int64(len(want)) {
				return faultf("", "The archive was cut off.")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read packet: %w", err)
		}
	}
}

// ownerOf names the file whose header or content byte p belongs to, "" for the directory at the end.
func ownerOf(files []file, p int64) string {
	at := int64(0)
	for _, f := range files {
		at += 30 + int64(len(f.name)) + int64(len(f.data))
		if p < at {
			return f.name
		}
	}
	for _, f := range files {
		at += 46 + int64(len(f.name))
		if p < at {
			return f.name
		}
	}
	return ""
}

func nameFault(n string) string {
	switch {
	case n == "" || len(n) > 400 || !utf8.ValidString(n):
		return "The archive has an entry with an impossible name."
	case path.IsAbs(n) || strings.ContainsAny(n, "\\\x00") || path.Clean(n) != n || n == ".." || strings.HasPrefix(n, "../") || len(n) > 1 && n[1] == ':':
		return "The name could lead out of the folder it is unpacked in."
	case strings.ContainsFunc(n, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "The name has a control character."
	}
	return ""
}

func check(files []file, res *Result) error {
	by := map[string][]byte{}
	for _, f := range files {
		by[f.name] = f.data
	}
	listed, ok := by[manifestName]
	if !ok {
		return faultf(manifestName, "It is missing, so nothing can be checked.")
	}
	var list manifest
	dec := json.NewDecoder(bytes.NewReader(listed))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil || list.Format != 1 {
		return faultf(manifestName, "It was altered: it is not a packet's list of files.")
	}
	if again, err := canonicalJSON(list); err != nil || !bytes.Equal(again, listed) {
		return faultf(manifestName, "It was altered: it is not in canonical form.")
	}
	res.Digest, res.Packet = hexSum(listed), list.Packet
	if err := checkSignature(by, listed, res); err != nil {
		return err
	}
	names := map[string]bool{manifestName: true, signatureName: true}
	for _, f := range list.Files {
		data, ok := by[f.Path]
		switch {
		case names[f.Path]:
			return faultf(manifestName, "It lists %s twice.", f.Path)
		case !ok:
			return faultf(f.Path, "It is missing: the signed list has it, the archive has not.")
		case int64(len(data)) != f.Size:
			return faultf(f.Path, "It was altered: it has %d bytes, signed were %d.", len(data), f.Size)
		case hexSum(data) != f.SHA256:
			return faultf(f.Path, "It was altered: its content is not what was signed.")
		}
		names[f.Path] = true
	}
	for _, f := range files {
		if !names[f.name] {
			return faultf(f.name, "It was added: the signed list does not have it.")
		}
	}
	res.Files = len(list.Files)
	for _, must := range []string{jsonName, htmlName, auditName, schemaName, verifyName, keyName} {
		if !names[must] {
			return faultf(must, "It is missing: every packet has one.")
		}
	}
	return checkContent(by, res)
}

func checkSignature(by map[string][]byte, listed []byte, res *Result) error {
	raw, ok := by[signatureName]
	if !ok {
		res.State = Unsigned
		return faultf(signatureName, "The packet is not signed: anybody could have written it.")
	}
	bad := faultf(signatureName, "It was altered: it is not a signature.")
	var envelope dsse.Envelope
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if dec.Decode(&envelope) != nil {
		return bad
	}
	if again, err := canonicalJSON(envelope); err != nil || !bytes.Equal(again, raw) {
		return bad
	}
	if len(envelope.Signatures) == 0 {
		res.State = Unsigned
		return faultf(signatureName, "The packet is not signed: the envelope is empty.")
	}
	if len(envelope.Signatures) != 1 || envelope.PayloadType != payloadType {
		return bad
	}
	block, rest := pem.Decode(by[keyName])
	if block == nil || len(rest) > 0 {
		return faultf(keyName, "It was altered or is missing: there is no key to check the signature with.")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	pub, isEd := parsed.(ed25519.PublicKey)
	if err != nil || !isEd || !bytes.Equal(PublicPEM(pub), by[keyName]) {
		return faultf(keyName, "It was altered: it is not an ed25519 key.")
	}
	if fp := FingerprintOf(pub); envelope.Signatures[0].KeyID != fp {
		return faultf(keyName, "It is not the key that the signature names.")
	}
	verifier, err := dsse.NewEnvelopeVerifier(checker{pub})
	if err != nil {
		return fmt.Errorf("prepare to verify: %w", err)
	}
	_, payload, err := verifier.VerifyAndDecode(context.Background(), &envelope)
	if err != nil {
		return faultf(signatureName, "It was altered: the signature does not fit.")
	}
	var st struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		PredicateType string `json:"predicateType"`
		Predicate     struct {
			Packet     string `json:"packet"`
			Version    int    `json:"version"`
			BlindLevel string `json:"blind_level"`
			BuiltAt    string `json:"built_at"`
			ChainHead  string `json:"chain_head"`
			AppBuild   string `json:"app_build"`
		} `json:"predicate"`
	}
	if json.Unmarshal(payload, &st) != nil || st.Type != statementType || st.PredicateType != predicateType || len(st.Subject) != 1 || st.Subject[0].Name != manifestName {
		return faultf(signatureName, "It signs something else than a packet.")
	}
	if st.Subject[0].Digest["sha256"] != hexSum(listed) {
		return faultf(manifestName, "It was altered: it is not the list that was signed.")
	}
	p := st.Predicate
	res.Fingerprint, res.Packet, res.Version, res.BlindLevel = FingerprintOf(pub), p.Packet, p.Version, p.BlindLevel
	res.BuiltAt, res.ChainHead = p.BuiltAt, p.ChainHead
	return nil
}

// checkContent asks what a signature cannot say: that the builder wrote a whole packet.
func checkContent(by map[string][]byte, res *Result) error {
	if err := validate(by[jsonName]); err != nil {
		return faultf(jsonName, "It does not fit the schema: %v.", err)
	}
	var doc struct {
		Packet DocPacket `json:"packet"`
		Code   []DocFile `json:"code"`
		Audit  DocAudit  `json:"audit"`
	}
	if err := json.Unmarshal(by[jsonName], &doc); err != nil {
		return faultf(jsonName, "It cannot be read: %v.", err)
	}
	if doc.Packet.ID != res.Packet || doc.Packet.Version != res.Version || doc.Packet.BlindLevel != res.BlindLevel || doc.Audit.ChainHead != res.ChainHead {
		return faultf(jsonName, "It speaks of another packet than the signature does.")
	}
	for _, f := range doc.Code {
		if f.File != "" && hexSum(by[f.File]) != f.SHA256 {
			return faultf(f.File, "It is not the file that packet.json speaks of.")
		}
	}
	if err := checkAudit(by[auditName], doc.Audit.ChainHead, doc.Audit.Lines); err != nil {
		return faultf(auditName, "The log does not hold together: %v.", err)
	}
	return nil
}

// sameFingerprint compares as people copy: with or without the prefix, in either case, with colons or spaces between.
func sameFingerprint(a, b string) bool {
	plain := func(s string) string {
		s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "sha256:")
		return strings.Map(func(r rune) rune {
			if slices.Contains([]rune(": -"), r) {
				return -1
			}
			return r
		}, s)
	}
	return len(plain(a)) == 64 && plain(a) == plain(b)
}
