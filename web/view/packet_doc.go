package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// PacketDoc is a hiring packet as one self-contained page: no network, no script, one style whose hash the page's own policy names.
// The texts in it are plain; the components escape them.
type PacketDoc struct {
	ID, Version, Hash    string // Hash is short, of packet.json
	Candidate            string
	Role, Level, Ask     string
	Built, RequestedBy   string
	Status, Supersedes   string
	Blind, BlindText     string
	Loop, Build          string
	Seats                []PacketDocSeat
	Matrix               []PacketDocRow
	Recommendations      []PacketDocRecommendation
	Revotes              bool
	Reasons              []PacketDocReason
	Split                string
	Disagreements        []PacketDocDisagreement
	Gaps, Notes          []string
	Competencies         []PacketDocCompetency
	Interviews           []PacketDocInterview
	Code                 []PacketDocSubmission
	Scorecards           []PacketDocScorecard
	Calibration          []PacketDocFact
	PanelText            string
	Integrity            string
	Process              []PacketDocFact
	Decision             *PacketDocDecision
	Votes                []PacketDocVote
	Audit                []PacketDocAudit
	AuditText, ChainHead string
}

// PacketDocFact is a name and what there is to say.
type PacketDocFact struct{ Name, Text string }

// PacketDocSeat heads a column of the matrix.
type PacketDocSeat struct{ Person, Interview, Href string }

// PacketDocRow is one competency across the seats.
type PacketDocRow struct {
	Name, Href, Mean, Band, N string
	Mark                      string // what the reader should look at: "D1", "one rater", "nobody"
	MarkHref                  string
	Cells                     []PacketDocCell
}

// PacketDocCell is one rating. Score 0 is a hollow cell; Why then says which kind of hole it is.
type PacketDocCell struct {
	Score    int
	Low      bool // given with low confidence
	Disagree bool
	Why      string // not assessed | missing | waived | not asked
	Href     string
}

// PacketDocRecommendation is the overall judgement of one seat: at first, and as amended.
type PacketDocRecommendation struct{ First, FirstClass, Now, NowClass string }

type PacketDocReason struct{ Person, Overall, Class, For, Against, Href string }

// PacketDocDisagreement sets two far scores of one competency side by side.
type PacketDocDisagreement struct {
	Key, Name, Href string
	Apart           string
	Low, High       PacketDocRating
}

// PacketDocRating is a score with its comment and evidence.
type PacketDocRating struct {
	ID         string // anchor; "" where the same rating is shown a second time
	Competency string
	Person     string
	Interview  string
	Href       string
	Score      int
	Confidence string
	Comment    string
	Evidence   []PacketDocEvidence
}

// PacketDocEvidence is something that can be opened.
type PacketDocEvidence struct {
	Kind    string // code | check | quote
	Title   string
	Href    string
	Quote   string
	Lines   []PacketDocLine
	Check   *PacketDocCheck
	Missing bool // it points at something that is not here
}

type PacketDocCompetency struct {
	ID, Name, Line string
	Anchors        []PacketDocAnchor
	Mean, Band, N  string
	Mark           string
	Ratings        []PacketDocRating
	NotAssessed    string
}

type PacketDocAnchor struct {
	Score int
	Text  string
}

type PacketDocInterview struct {
	ID, Number, Title string
	Facts             []PacketDocFact
	Questions         []PacketDocQuestion
}

type PacketDocQuestion struct {
	ID, Title, State string
	Verdict, Class   string
	Points           string
	Facts            []PacketDocFact
	Statement        string // safe HTML
	Checks           []PacketDocCheck
	Strips           []PacketDocStrip
	Withheld         string
	Plots            []Plot
	Output           string
	OutputNote       string
	Notes            string
	CodeHref         string
	Submissions      []PacketDocTry
}

// PacketDocTry is one time that the candidate handed something in.
type PacketDocTry struct{ Number, What, Result, Note string }

type PacketDocCheck struct {
	ID, Title, Status, Class, Glyph string
	Show, Points, Value, Source     string
	Message, Staff                  string
}

// PacketDocStrip is one measured value between its baseline and its reference. Coordinates are ready to be written.
type PacketDocStrip struct {
	Title, Name      string
	Value, ValueText string
	Base, BaseText   string
	Ref, RefText     string
	Better           string
}

type PacketDocSubmission struct {
	ID, Title, Note string
	Files           []PacketDocFile
}

type PacketDocFile struct {
	ID, Path, Note, Digest string
	Lines                  []PacketDocLine
	Comments               []PacketDocComment // on lines that are not there
}

// PacketDocLine is a line of code. Kind is "" same, "+" new, "-" gone, "fold" for lines left out.
type PacketDocLine struct {
	No       string
	ID       string
	Kind     string
	Runs     []PacketDocRun
	Comments []PacketDocComment
}

// PacketDocRun is a piece of a line in one colour: k word, s string, c comment, b an invisible character made visible.
type PacketDocRun struct{ Class, Text string }

type PacketDocComment struct{ Author, Line, Body string }

type PacketDocScorecard struct {
	ID, Person, Interview         string
	Overall, Class, Level, When   string
	For, Against, Change, ForNext string
	Seen                          string
	Ratings                       []PacketDocRating
	NotAssessed                   string
	Amendments                    []PacketDocAmendment
}

type PacketDocAmendment struct {
	Title, Reason, Overall, Class, Seen string
	Ratings                             []PacketDocRating
	NotAssessed                         string
}

type PacketDocVote struct{ Person, Outcome, Class, Level, Confidence, Sentence string }

type PacketDocDecision struct {
	Outcome, Class, Level, By, When      string
	Rationale, Missing, Dissent, Earlier string
}

type PacketDocAudit struct{ Seq, At, Who, What, Hash string }

//go:embed packet_doc.css
var packetCSS string

//go:embed packet_doc.templ packet_parts.templ packet_code.templ
var packetSource embed.FS

// PacketWords is all that packets say by themselves: the source of their components. A search for a person's name in a packet must
// not take one of these words for it.
func PacketWords() string {
	var out strings.Builder
	for _, name := range []string{"packet_doc.templ", "packet_parts.templ", "packet_code.templ"} {
		raw, err := packetSource.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		out.Write(raw)
	}
	out.WriteString(packetCSS)
	return out.String()
}

// PacketPolicy is the content security policy of a packet's page. A server that shows one sends it as well.
func PacketPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// style is the sheet with the footer of printed pages.
func (d PacketDoc) style() string {
	safe := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' || r == ' ' {
				return r
			}
			return -1
		}, s)
	}
	foot := safe(d.ID) + " · v" + safe(d.Version) + " · " + safe(d.Blind) + " · " + safe(d.Hash)
	return packetCSS + `@page{@bottom-left{content:"` + foot + `"}}` + "\n"
}

// RenderPacket writes the page.
func RenderPacket(d PacketDoc) ([]byte, error) {
	var out bytes.Buffer
	if err := packetDoc(d, d.style()).Render(context.Background(), &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func packetDocStyle(css string) templ.Component { return templ.Raw("<style>\n" + css + "</style>") }

// packetDocRuns writes pieces of a line with not one space more than they have.
func packetDocRuns(runs []PacketDocRun) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		for _, r := range runs {
			out := templ.EscapeString(r.Text)
			if r.Class != "" {
				out = `<span class="` + templ.EscapeString(r.Class) + `">` + out + "</span>"
			}
			if _, err := io.WriteString(w, out); err != nil {
				return err
			}
		}
		return nil
	})
}

func packetDocGlyph(score int) string {
	switch score {
	case 1:
		return "▼▼"
	case 2:
		return "▼"
	case 3:
		return "▲"
	case 4:
		return "▲▲"
	}
	return ""
}

func packetDocScoreWords(score int) string {
	switch score {
	case 1:
		return "well below the bar"
	case 2:
		return "below the bar"
	case 3:
		return "meets the bar"
	case 4:
		return "above the bar"
	}
	return "not assessed"
}
