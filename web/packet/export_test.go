package packet

// Entry is one file of a packet's archive, for tests that alter one.
type Entry struct {
	Name string
	Data []byte
}

// Zipped writes entries as packets are written.
func Zipped(entries []Entry) ([]byte, error) {
	var files []file
	for _, e := range entries {
		files = append(files, file{e.Name, e.Data})
	}
	return zipped(files)
}

var (
	Validate      = validate
	CanonicalJSON = canonicalJSON
	Summarise     = summarise
	SameKey       = sameFingerprint
)
