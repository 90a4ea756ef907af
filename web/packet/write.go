package packet

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"assay"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// file is one entry of the zip.
type file struct {
	name string
	data []byte
}

const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
	jsonName      = "packet.json"
	htmlName      = "packet.html"
	auditName     = "audit.ndjson"
	keyName       = "signing-key.pem"
	schemaName    = "packet.schema.json"
	verifyName    = "VERIFY.txt"

	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "urn:assay:packet:1"
)

// Made is a finished packet: what is stored, and what its row says of it.
type Made struct {
	Doc       Doc
	JSON      []byte
	HTML      []byte
	Zip       []byte
	Digest    string // sha256 of manifest.json
	ChainHead string
	Files     []string // names in the zip, in order
}

// manifest lists every file but itself and its signature.
type manifest struct {
	Format int            `json:"format"`
	Packet string         `json:"packet"`
	Files  []manifestFile `json:"files"`
}

type manifestFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Make writes the packet of a snapshot. It reads no clock and draws no chance: the same snapshot and key give the same bytes. An
// *assay.Error says why a packet could not be made; another build of the same snapshot would fail alike.
func Make(s Snapshot, key ed25519.PrivateKey) (Made, error) {
	b := blind(s)
	lines := b.auditLines()
	doc, m := newBuild(b.Snapshot).document(lines)

	raw, err := canonicalJSON(doc)
	if err != nil {
		return Made{}, fmt.Errorf("write %s: %w", jsonName, err)
	}
	data, err := prettyJSON(raw)
	if err != nil {
		return Made{}, fmt.Errorf("write %s: %w", jsonName, err)
	}
	if err := validate(data); err != nil {
		return Made{}, assay.Errorf(assay.Invalid, "The packet was not built: its data do not fit the schema (%s).", err)
	}
	page, err := render(doc, m, hexSum(data))
	if err != nil {
		return Made{}, fmt.Errorf("write %s: %w", htmlName, err)
	}
	audit, err := auditFile(lines)
	if err != nil {
		return Made{}, fmt.Errorf("write %s: %w", auditName, err)
	}
	pub := key.Public().(ed25519.PublicKey)
	files := append(m.files,
		file{jsonName, data},
		file{htmlName, page},
		file{auditName, audit},
		file{schemaName, schemaJSON},
		file{keyName, PublicPEM(pub)},
		file{verifyName, []byte(verifyText(doc, FingerprintOf(pub)))},
	)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	if err := b.reidentify(files); err != nil {
		return Made{}, err
	}

	list := manifest{Format: 1, Packet: doc.Packet.ID}
	for _, f := range files {
		list.Files = append(list.Files, manifestFile{f.name, hexSum(f.data), int64(len(f.data))})
	}
	listed, err := canonicalJSON(list)
	if err != nil {
		return Made{}, fmt.Errorf("write %s: %w", manifestName, err)
	}
	signature, err := sign(listed, doc, key)
	if err != nil {
		return Made{}, fmt.Errorf("sign: %w", err)
	}
	files = append(files, file{manifestName, listed}, file{signatureName, signature})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	archive, err := zipped(files)
	if err != nil {
		return Made{}, fmt.Errorf("write zip: %w", err)
	}
	made := Made{Doc: doc, JSON: data, HTML: page, Zip: archive, Digest: hexSum(listed), ChainHead: s.ChainHead}
	for _, f := range files {
		made.Files = append(made.Files, f.name)
	}
	return made, nil
}

// sign wraps a statement about the manifest in a DSSE envelope.
func sign(listed []byte, doc Doc, key ed25519.PrivateKey) ([]byte, error) {
	statement, err := canonicalJSON(map[string]any{
		"_type":         statementType,
		"subject":       []any{map[string]any{"name": manifestName, "digest": map[string]string{"sha256": hexSum(listed)}}},
		"predicateType": predicateType,
		"predicate": map[string]any{"packet": doc.Packet.ID, "version": doc.Packet.Version, "blind_level": doc.Packet.BlindLevel,
			"built_at": doc.Packet.BuiltAt, "chain_head": doc.Audit.ChainHead, "app_build": doc.Packet.AppBuild},
	})
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(signer{key})
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(context.Background(), payloadType, statement)
	if err != nil {
		return nil, err
	}
	return canonicalJSON(envelope)
}

// zipped stores the files uncompressed, in the order given, with one fixed time and nothing optional. Every byte of such an archive
// follows from names and contents, so Verify can demand that there be no other.
func zipped(files []file) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store, Flags: 0x800, CreatorVersion: 3<<8 | 20, ReaderVersion: 20, ExternalAttrs: 0o100644 << 16,
			ModifiedDate: 1<<5 | 1, // the first day that a zip can say: 1980-01-01
			CRC32:        crc32.ChecksumIEEE(f.data), CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data))}
		dst, err := w.CreateRaw(h)
		if err != nil {
			return nil, err
		}
		if _, err := dst.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func verifyText(d Doc, fingerprint string) string {
	return fmt.Sprintf(`HOW TO VERIFY THIS PACKET

Packet       %s, version %d, blind level %s
Signed with  %s

The short way, offline, with the program that made it:

    assay packet verify FILE.zip --key %s

By hand, with unzip, sha256sum, jq, base64 and openssl (3.0 or newer), in an empty folder:

 1. unzip FILE.zip

 2. Every file is as the manifest says (each line must end in OK, and nothing else may be there):
    jq -r '.files[] | "\(.sha256)  \(.path)"' manifest.json | sha256sum -c

 3. The signature speaks of this manifest (both lines must show the same 64 digits):
    sha256sum manifest.json
    jq -r .payload manifest.sig | base64 -d | jq -r '.subject[0].digest.sha256'

 4. The signature is good (must print: Signature Verified Successfully):
    jq -r .payload manifest.sig | base64 -d > statement
    jq -r '.signatures[0].sig' manifest.sig | base64 -d > signature
    { printf 'DSSEv1 28 application/vnd.in-toto+json %%d ' "$(wc -c < statement)"; cat statement; } > signed
    openssl pkeyutl -verify -pubin -inkey signing-key.pem -rawin -in signed -sigfile signature

 5. The key is the company's own. Steps 1 to 4 prove only that nothing changed since somebody signed it; who that was is proved
    by comparing this fingerprint with the one that the company publishes at /.well-known/assay-packet-key on its server:
    openssl pkey -pubin -in signing-key.pem -outform DER | tail -c 32 | sha256sum

 6. audit.ndjson holds this loop's lines of an append-only log. Each line's hash is the SHA-256 of the line before it in the
    server's whole log, followed by the line's own content. A withheld line keeps its hashes, so nothing can be taken out unseen;
    lines of other loops stand between, and a server that still has them can prove that its log leads up to the chain head:
    %s
    (keep that value: a log that was rewritten later can no longer produce it)

manifest.sig is a DSSE envelope (https://github.com/secure-systems-lab/dsse) around an in-toto statement; manifest.json is
canonical JSON (RFC 8785); packet.json fits packet.schema.json (JSON Schema 2020-12).
`, d.Packet.ID, d.Packet.Version, d.Packet.BlindLevel, fingerprint, fingerprint, d.Audit.ChainHead)
}
