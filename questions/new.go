package questions

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"assay"
)

//go:embed all:template
var templates embed.FS

// NewKinds are the kinds that New has an example for.
var NewKinds = []assay.Kind{assay.KindImplement, assay.KindDebug, assay.KindTrain, assay.KindServe, assay.KindData}

const placeholderID = "q_00000000000000000000000000"

// New writes the folder dir/slug: a small, honest question of the kind, complete enough to lint clean and to verify, for an author
// to change into their own. It never writes into a folder that exists. Codes invalid and conflict.
func New(kind assay.Kind, slug, dir string) error {
	if !plainSlug.MatchString(slug) || len(slug) > 60 {
		return assay.Errorf(assay.Invalid, "The name %q will not do: lower-case words joined by hyphens, at most 60 letters.", slug)
	}
	root := "template/" + string(kind)
	if _, err := fs.Stat(templates, root); err != nil || kind == "" {
		return assay.Errorf(assay.Invalid, "There is no example of the kind %q; there are %s.", kind, strings.Join(texts(NewKinds), ", "))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make question folder: %w", err)
	}
	target := filepath.Join(dir, slug)
	if err := os.Mkdir(target, 0o755); os.IsExist(err) {
		return assay.Errorf(assay.Conflict, "%s is already there.", target)
	} else if err != nil {
		return fmt.Errorf("make question folder: %w", err)
	}
	var files []BinFile
	err := fs.WalkDir(templates, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := templates.ReadFile(name)
		files = append(files, BinFile{Path: strings.TrimPrefix(name, root+"/"), Data: data})
		return err
	})
	if err != nil {
		return fmt.Errorf("read the example: %w", err)
	}
	for _, file := range files {
		data := file.Data
		if file.Path == "question.yaml" {
			data = bytes.ReplaceAll(data, []byte(placeholderID), []byte(NewID()))
			data = bytes.ReplaceAll(data, []byte("{{title}}"), []byte(titleFrom(slug)))
		}
		path := filepath.Join(target, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write question: %w", err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("write question: %w", err)
		}
	}
	return nil
}

// NewID makes an id for a question: q_ and 26 characters, which stay when the question is renamed.
func NewID() string {
	const letters = "0123456789abcdefghjkmnpqrstvwxyz"
	var b [26]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return "q_" + string(b[:])
}

func titleFrom(slug string) string {
	title := strings.ReplaceAll(slug, "-", " ")
	return strings.ToUpper(title[:1]) + title[1:]
}
