package packet

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"assay"
	"assay/web/view"
)

func hidesCandidate(l assay.BlindLevel) bool { return l != "" && l != assay.BlindNothing }
func hidesInterviewers(l assay.BlindLevel) bool {
	return hidesCandidate(l) && l != assay.BlindCandidate
}
func hidesQuestions(l assay.BlindLevel) bool { return l == assay.BlindQuestions }

// blinded is a snapshot in which nobody that its level hides is named any more, and the list that proves it.
type blinded struct {
	Snapshot
	hidden crowd // who must not be found in any byte of the packet
}

// blind returns a copy of s as its level allows it. Everything after works on the copy, so a name cannot get round it.
//
// The rule is by token, not by understanding: names, mail addresses, handles, links, home directories and author lines go; a habit
// of writing or a story only one person could tell stays. The packet says so on its cover.
func blind(s Snapshot) blinded {
	level := s.Packet.Blind
	if !hidesCandidate(level) {
		return blinded{Snapshot: s}
	}
	common := ownWords()
	for _, sit := range s.Interviews {
		for _, a := range sit.Asked {
			for _, text := range []string{a.Item.Slug, a.Item.Title, a.Question.Statement, a.Question.Question.Title} {
				addWords(common, text)
			}
			for _, c := range a.Question.Question.Checks {
				addWords(common, c.ID+" "+c.Title)
			}
			for _, f := range append(slices.Clone(a.Question.Starter), a.Question.Data...) {
				addWords(common, limitBytes(f.Content, 1<<20))
			}
		}
	}
	candidate := newPerson(s.Candidate.Name, s.Candidate.Email, common)
	candidate.alias = pseudonym(s.Packet.ID, candidate)
	out := blinded{hidden: crowd{candidate}}

	labels := map[assay.UserID]string{}
	if hidesInterviewers(level) {
		for id, label := range interviewerLabels(s) {
			labels[id] = label
		}
		for _, u := range s.Users {
			p := newPerson(u.Name, u.Email, common)
			p.alias = labels[u.ID]
			out.hidden = append(out.hidden, p)
		}
	}
	ids := map[string]string{}
	w := walker{scrub: out.hidden.replace, ids: func(kind, id string) string { return id }, times: true}
	if hidesInterviewers(level) {
		w.times = false // dates go with the interviewers
		w.ids = func(kind, id string) string {
			if id == "" || kind == "PacketID" {
				return id
			}
			if ids[id] == "" { // no order and no time in it, unlike the real one
				sum := sha256.Sum256([]byte(string(s.Packet.ID) + "\x00" + id))
				ids[id] = fmt.Sprintf("%s_%x", cmp.Or(assay.IDPrefix(id), "id"), sum[:5])
			}
			return ids[id]
		}
	}
	s.Candidate.Name, s.Candidate.Email = "", ""
	users := slices.Clone(s.Users)
	for i := range users {
		u := &users[i]
		if hidesInterviewers(level) {
			u.Name = labels[u.ID]
		} else {
			u.Name = candidate.shorten(u.Name) // a colleague of the same surname keeps its initial
		}
		u.Email, u.PasswordHash = "", ""
	}
	s.Users = nil
	order := sittingOrder(s.Interviews) // before the times go
	audit, requested := s.Audit, s.Packet.RequestedAt
	s.Audit = nil // its lines are hashed as they stand: they are shown whole or withheld, never rewritten
	out.Snapshot = w.copy(reflect.ValueOf(s), "").Interface().(Snapshot)
	out.Packet.RequestedAt, out.Candidate.Name = requested, candidate.alias
	for i := range users {
		users[i].ID = assay.UserID(w.ids("UserID", string(users[i].ID)))
	}
	out.Users = users
	for i := range out.Interviews { // the order of the interviews survives, their dates do not
		if !w.times {
			out.Interviews[i].Interview.WindowStart = time.Unix(int64(order[i]), 0).UTC()
			if s.Interviews[i].Interview.OpenedAt != nil {
				opened := time.Unix(1, 0).UTC()
				out.Interviews[i].Interview.OpenedAt = &opened
			}
		}
	}
	out.Audit = audit
	return out
}

func sittingOrder(in []Sitting) []int {
	index := make([]int, len(in))
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(a, b int) int {
		x, y := in[a].Interview, in[b].Interview
		return cmp.Or(x.WindowStart.Compare(y.WindowStart), cmp.Compare(x.ID, y.ID))
	})
	rank := make([]int, len(in))
	for place, i := range index {
		rank[i] = place + 1
	}
	return rank
}

// interviewerLabels names panelists "Interviewer A" and everybody else "Person A", in an order that says nothing.
func interviewerLabels(s Snapshot) map[assay.UserID]string {
	panel := map[assay.UserID]bool{}
	for _, sit := range s.Interviews {
		for _, p := range sit.Panel {
			panel[p.UserID] = true
		}
	}
	users := slices.Clone(s.Users)
	key := func(u assay.User) string { return hexSum([]byte(string(s.Packet.ID) + "\x00" + string(u.ID))) }
	slices.SortFunc(users, func(a, b assay.User) int { return cmp.Compare(key(a), key(b)) })
	out, n, m := map[assay.UserID]string{}, 0, 0
	for _, u := range users {
		if panel[u.ID] {
			out[u.ID] = "Interviewer " + letters(n)
			n++
		} else {
			out[u.ID] = "Person " + letters(m)
			m++
		}
	}
	return out
}

func letters(n int) string {
	if n < 26 {
		return string(rune('A' + n))
	}
	return letters(n/26-1) + letters(n%26)
}

// walker copies a value of any shape. Texts are scrubbed, ids mapped, everything else stays.
type walker struct {
	scrub func(text string, ours bool) string
	ids   func(kind, id string) string
	times bool
}

// ours are fields that the bank or this program filled, not a person of the loop. In them only unmistakable marks of a person are
// replaced, so that a candidate called Max does not turn every max() of a starter into a pseudonym.
var ours = words(`Question Statement Starter Data Title Slug Type Unit Check Image Engine Focus`)

func (w walker) copy(v reflect.Value, field string) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		switch {
		case v.Type().PkgPath() == "" && !slices.Contains([]string{"Key", "SHA256", "Revision", "Seed", "Nonce", "Hash", "ChainHead", "Build", "Competency"}, field):
			out.SetString(w.scrub(v.String(), ours[field]))
		case strings.HasSuffix(v.Type().Name(), "ID"):
			out.SetString(w.ids(v.Type().Name(), v.String()))
		default:
			out.Set(v)
		}
		return out
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			if !w.times {
				t = time.Time{}
			}
			return reflect.ValueOf(t)
		}
		out := reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			switch {
			case name == "Title" && slices.Contains([]string{"Interview", "Opening", "Kit"}, v.Type().Name()):
				name = "" // people wrote these titles
			case ours[field] && !ours[name]:
				name = field // all below a question is the bank's
			}
			out.Field(i).Set(w.copy(v.Field(i), name))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(w.copy(v.Elem(), field))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(w.copy(v.Index(i), field))
		}
		return out
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			out.Index(i).Set(w.copy(v.Index(i), field))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(w.copy(it.Key(), field), w.copy(it.Value(), field))
		}
		return out
	}
	return v
}

// person is somebody who must not be found.
type person struct {
	alias  string
	names  []string        // the parts of the name as written
	marks  map[string]bool // folded words that give them away by themselves
	common map[string]bool // parts that are also ordinary words here; only their spelling as in the name counts
	joined []string        // folded, found inside longer words too: jane.doe99, janedoe
	han    []string        // scripts without spaces between words
	mail   *regexp.Regexp
}

func newPerson(name, mail string, ordinary map[string]bool) person {
	p := person{marks: map[string]bool{}, common: map[string]bool{}}
	var parts []string
	for _, w := range wordsOf(name) {
		if isHan(w.text) {
			if len([]rune(w.text)) >= 2 {
				p.han = append(p.han, w.text)
			}
			continue
		}
		p.names = append(p.names, w.text)
		f := fold(w.text)
		parts = append(parts, f)
		switch n := len([]rune(f)); {
		case n < 2:
		case n == 2 || ordinary[f]:
			p.common[w.text] = true
		default:
			p.marks[f] = true
		}
	}
	if strings.Join(strings.Fields(name), "") != "" && len(p.han) == 0 && isHan(strings.Join(strings.Fields(name), "")) {
		p.han = append(p.han, strings.Join(strings.Fields(name), ""))
	}
	if n := len(parts); n >= 2 {
		first, last := parts[0], parts[n-1]
		for _, j := range []string{strings.Join(parts, ""), first + last, last + first} {
			if len(j) >= 6 {
				p.joined = append(p.joined, j)
			}
		}
		for _, m := range []string{firstRune(first) + last, last + firstRune(first), first + firstRune(last)} {
			if len([]rune(m)) >= 4 && !ordinary[m] {
				p.marks[m] = true
			}
		}
	}
	if local, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(mail)), "@"); ok && local != "" {
		p.mail = regexp.MustCompile(`(?i)` + regexp.QuoteMeta(local+"@"+domain))
		if f := fold(local); len(f) >= 4 && !ordinary[f] {
			if strings.ContainsFunc(f, func(r rune) bool { return !unicode.IsLetter(r) }) || len(f) >= 6 {
				p.joined = append(p.joined, f)
			} else {
				p.marks[f] = true
			}
		}
	}
	slices.Sort(p.joined)
	p.joined = slices.Compact(p.joined)
	slices.SortStableFunc(p.joined, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return p
}

var (
	links    = regexp.MustCompile(`(?i)\b(?:https?|ftp|ssh|git)://[^\s"'<>)\]]+|\bwww\.[^\s"'<>)\]]+|\b(?:github|gitlab|linkedin|huggingface|kaggle)\.(?:com|co)/[^\s"'<>)\]]+`)
	mails    = regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	homes    = regexp.MustCompile(`(?i)(/home/|/users/|\\users\\)[^\s/\\"':]+`)
	authored = regexp.MustCompile(`(?im)^(\s*(?:#+\s*)?(?:__author__|author|authors|maintainer|copyright)\s*[:=(].*)$`)
	opaque   = regexp.MustCompile(`^(?:[a-z]{2,5}_(?:[0-9a-hjkmnp-tv-z]{26}|[0-9a-f]{10})|[0-9a-fA-F]{16,})$`)
)

// crowd is everybody who must not be found. One pass over a text finds them all, however many they are.
type crowd []person

// replace puts aliases for every trace of the crowd. ours says that the text is the bank's or the program's.
func (c crowd) replace(s string, ours bool) string {
	if s == "" || len(c) == 0 {
		return s
	}
	if !ours {
		s = unlink(s)
	} else if strings.Contains(s, "@") {
		for _, p := range c {
			if p.mail != nil {
				s = p.mail.ReplaceAllString(s, "[e-mail removed]")
			}
		}
	}
	hits := c.find(s, ours)
	if len(hits) == 0 {
		return s
	}
	var out strings.Builder
	at := 0
	for i, h := range hits {
		gap := s[at:h.from]
		if i == 0 || h.who != hits[i-1].who || !joins(gap) { // "Jane Doe" and "doe, jane" become one alias
			out.WriteString(gap)
			out.WriteString(c[h.who].alias)
		}
		at = h.to
	}
	out.WriteString(s[at:])
	return out.String()
}

// unlink takes out what leads to a person without naming them: addresses, links, home directories, author lines.
func unlink(s string) string {
	low := s
	if strings.ContainsFunc(s, unicode.IsUpper) {
		low = strings.ToLower(s)
	}
	has := func(any ...string) bool {
		return slices.ContainsFunc(any, func(w string) bool { return strings.Contains(low, w) })
	}
	if has("author", "maintainer", "copyright") {
		s = authored.ReplaceAllStringFunc(s, func(l string) string { return l[:strings.IndexAny(l, ":=(")+1] + " [removed]" })
	}
	if has("://", "www.", ".com/", ".co/") {
		s = links.ReplaceAllString(s, "[link removed]")
	}
	if has("@") {
		s = mails.ReplaceAllString(s, "[e-mail removed]")
	}
	if has("/home/", "/users/", `\users\`) {
		s = homes.ReplaceAllString(s, "${1}[user]")
	}
	return s
}

// joins says whether what stands between two parts of a name only joins them.
func joins(gap string) bool { return len(gap) <= 2 && strings.Trim(gap, " ._,-\u00a0'’") == "" }

// span is where in a text somebody is given away.
type span struct{ from, to, who int }

// find lists where s gives somebody away, in order and without overlap. Ids and hashes are looked past: any three letters occur in
// them.
func (c crowd) find(s string, ours bool) []span {
	if s == "" || len(c) == 0 {
		return nil
	}
	var out []span
	add := func(from, to, who int) {
		if !inOpaque(s, from, to) {
			out = append(out, span{from, to, who})
		}
	}
	each := func(in, what string, hit func(from, to int)) {
		for at := 0; ; {
			i := strings.Index(in[at:], what)
			if i < 0 {
				return
			}
			hit(at+i, at+i+len(what))
			at += i + len(what)
		}
	}
	folded, where := foldAt(s)
	marks, common := map[string]int{}, map[string]int{}
	for who, p := range slices.Backward(c) { // of two who share a name the first one has it
		for m := range p.marks {
			marks[m] = who
		}
		for m := range p.common {
			common[m] = who
		}
	}
	for who, p := range c {
		for _, h := range p.han {
			each(s, h, func(from, to int) { add(from, to, who) })
		}
		for _, j := range p.joined {
			each(folded, j, func(from, to int) { add(where(from), where(to), who) })
		}
	}
	for w := range wordsIn(s) {
		if who, ok := marks[fold(w.text)]; ok {
			add(w.from, w.from+len(w.text), who)
			continue
		}
		if who, ok := common[w.text]; ok && !ours {
			add(w.from, w.from+len(w.text), who)
			continue
		}
		for _, part := range camel(w) { // JaneNet; jane in train_jane is a word of its own already
			if who, ok := marks[fold(part.text)]; ok {
				add(part.from, part.from+len(part.text), who)
			}
		}
	}
	slices.SortFunc(out, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(a.who, b.who))
	})
	merged := out[:0]
	for _, h := range out {
		if n := len(merged); n > 0 && h.from < merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, h.to)
			continue
		}
		merged = append(merged, h)
	}
	return merged
}

// inOpaque says whether s[from:to] lies in an id or a hash.
func inOpaque(s string, from, to int) bool {
	part := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for from > 0 && part(s[from-1]) {
		from--
	}
	for to < len(s) && part(s[to]) {
		to++
	}
	return opaque.MatchString(s[from:to])
}

func (p person) find(s string, ours bool) []span { return crowd{p}.find(s, ours) }

// shorten keeps the initial alone of a name's parts that the person has too.
func (p person) shorten(name string) string {
	out := name
	for _, h := range slices.Backward(p.find(name, false)) {
		out = out[:h.from] + firstRune(out[h.from:]) + "." + out[h.to:]
	}
	return out
}

// reidentify is the last gate: it reads every byte of every file and every file's name, and names the first that gives a hidden
// person away.
func (b blinded) reidentify(files []file) error {
	for _, f := range files {
		if len(b.hidden.find(f.name, false)) > 0 {
			return assay.Errorf(assay.Invalid, "The packet was not built: a file name in it would still name a hidden person.")
		}
		if strings.HasSuffix(f.name, ".pem") || strings.HasSuffix(f.name, ".sig") {
			continue // our own key and signature, in base64
		}
		own := !strings.HasPrefix(f.name, "code/") // beside the code every file has words of ours
		leaks := len(b.hidden.find(string(f.data), own)) > 0
		for _, p := range b.hidden {
			leaks = leaks || p.mail != nil && bytes.Contains(f.data, []byte("@")) && p.mail.Match(f.data)
		}
		if leaks {
			return assay.Errorf(assay.Invalid, "The packet was not built: %s would still name a hidden person. "+
				"Ask for it at a lower blind level, or have the text mended.", f.name)
		}
	}
	return nil
}

type word struct {
	from int
	text string
}

// wordsIn are the longest runs of letters and their marks.
func wordsIn(s string) iter.Seq[word] {
	return func(yield func(word) bool) {
		start := -1
		for i, r := range s {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80 && unicode.IsLetter(r)
			in := letter || start >= 0 && r >= 0x80 && (unicode.Is(unicode.Mn, r) || r >= 0x200B && r <= 0x200D)
			if in && start < 0 {
				start = i
			} else if !in && start >= 0 {
				if !yield(word{start, s[start:i]}) {
					return
				}
				start = -1
			}
		}
		if start >= 0 {
			yield(word{start, s[start:]})
		}
	}
}

func wordsOf(s string) []word { return slices.Collect(wordsIn(s)) }

// camel cuts JaneNet into Jane and Net; nothing for a word without a hump.
func camel(w word) []word {
	var out []word
	from, prev := 0, rune(0)
	for i, r := range w.text {
		if i > from && unicode.IsUpper(r) && unicode.IsLower(prev) {
			out = append(out, word{w.from + from, w.text[from:i]})
			from = i
		}
		prev = r
	}
	if from == 0 {
		return nil
	}
	return append(out, word{w.from + from, w.text[from:]})
}

func isHan(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			return false
		}
	}
	return s != ""
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// ownWords are the words that the packet says by itself, whoever it is about.
func ownWords() map[string]bool {
	out := map[string]bool{}
	addWords(out, view.PacketWords())
	entries, _ := ownSource.ReadDir(".")
	for _, e := range entries {
		raw, _ := ownSource.ReadFile(e.Name())
		addWords(out, string(raw))
	}
	for _, c := range assay.Competencies() {
		addWords(out, c.Name+" "+c.Line+" "+strings.Join(c.Anchors[:], " "))
		for _, l := range assay.Levels {
			addWords(out, c.ThreeAt[l])
		}
	}
	for w := range pythonWords {
		out[strings.ToLower(w)] = true
	}
	addWords(out, `abs all any bool bytes dict dir enumerate eval exec filter float format hash help hex id input int iter len list map max min next object
		open ord pow print range repr round set slice sorted str sum super tuple type vars zip`)
	return out
}

// ownSource is where this package's fixed sentences stand. A name that is also one of these words cannot be searched for in the
// pages, only in what people wrote.
//
//go:embed build.go write.go page.go audit.go packet.schema.json
var ownSource embed.FS

func addWords(set map[string]bool, text string) {
	for _, w := range wordsOf(text) {
		set[fold(w.text)] = true
		for _, c := range camel(w) {
			set[fold(c.text)] = true
		}
	}
}

func limitBytes(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// pseudonym is two plain words, the same for the same packet, with no order, no gender and nothing of the person in them.
func pseudonym(id assay.PacketID, p person) string {
	sum := sha256.Sum256([]byte("pseudonym\x00" + string(id)))
	n := binary.BigEndian.Uint64(sum[:8])
	for i := uint64(0); ; i++ {
		a, b := firstWords[(n+i)%uint64(len(firstWords))], secondWords[(n/64+i*7)%uint64(len(secondWords))]
		if name := a + " " + b; len(p.find(name, false)) == 0 || i > 64 {
			return name
		}
	}
}

var (
	firstWords = strings.Fields(`Alpine Autumn Basalt Boreal Brisk Bronze Cedar Cobalt Copper Coral Distant Dusky Eastern Evening Fallow Frosted Gentle Glacial
		Granite Hollow Indigo Inland Level Limestone Lunar Maple Mellow Misty Morning Mossy Northern Oaken Opal Outer Pewter Plain Quartz Quiet Russet Rustic
		Saffron Sandy Silent Silver Slate Solar Southern Steady Still Sunlit Teal Tidal Timber Umber Upland Velvet Verdant Walnut Western Wicker Willow Windy Winter Woven`)
	secondWords = strings.Fields(`Anchor Arbour Arch Atlas Basin Beacon Bridge Brook Cairn Canyon Causeway Chapel Compass Cove Delta Dune Estuary Fjord Ford Furrow
		Garden Gateway Glade Harbour Hedge Hollow Island Jetty Keystone Lagoon Lantern Ledge Lighthouse Loom Meadow Meridian Mill Mooring Orchard Outcrop Passage
		Pavilion Pebble Plateau Prairie Quarry Quay Rampart Reef Ridge Saddle Shoal Signal Spire Summit Terrace Thicket Tower Trellis Tundra Valley Viaduct Wharf Yard`)
)
