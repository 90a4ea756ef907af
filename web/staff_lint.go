package web

import (
	"regexp"
	"strings"
	"time"

	"assay"
)

// The scorecard's linter. A warning never stops a draft from being saved; only a note to the next interviewers that tells
// them what to think stops a submission, because that note is the one thing that colleagues may read before they judge.

var (
	traitWords  = regexp.MustCompile(`(?i)\b(smart|bright|clever|brilliant|genius|rock ?star|ninja|culture fit|cultural fit|likeable|nice (?:guy|person))\b`)
	schoolWords = regexp.MustCompile(`(?i)\b((?:great|good|top|elite|best) (?:school|university|college|company|degree)|ivy league|stanford|mit\b|cambridge|oxford|harvard|ex-(?:google|meta|openai|apple|amazon))`)
	verdictWord = regexp.MustCompile(`(?i)\b(hir(?:e|es|ed|ing)|no[- ]hire|reject(?:ed|ion)?|weak(?:er|est|ness|nesses)?|strong(?:er|est|ly)?|excellent|poor(?:ly)?|amazing|terrible|bad|great|below the bar|above the bar|pass(?:ed)?|fail(?:ed)?|yes|rat(?:e|ed|ing)|scor(?:e|ed|es))\b|\b[1-4]\s*(?:/|out of)\s*4\b`)
)

// lintNoteToNext says which words of a note to the next interviewers tell them how to judge. A note says what to probe.
func lintNoteToNext(note string) string {
	word := verdictWord.FindString(note)
	if word == "" {
		return ""
	}
	return "“" + word + "” tells the next interviewers what to think. Say only what to probe; no scores, no verdicts."
}

// lintComment warns of a comment that says nothing a committee can check: a trait, a school, or the anchor's own words.
func lintComment(comment string, anchors [4]string) string {
	if word := traitWords.FindString(comment); word != "" {
		return "“" + word + "” is a trait. What did they do that showed it?"
	}
	if word := schoolWords.FindString(comment); word != "" {
		return "“" + word + "” is not something that was seen in this interview."
	}
	said := plainWords(comment)
	for _, anchor := range anchors {
		if said != "" && said == plainWords(anchor) {
			return "This repeats the anchor. What did you see that made it fit?"
		}
	}
	return ""
}

// lintScorecard gathers the warnings of a whole card by field. late is how long after its due time it is.
func lintScorecard(card assay.Scorecard, level assay.Level) map[string]string {
	out := map[string]string{}
	warn := func(field, text string) {
		if text != "" {
			out[field] = text
		}
	}
	for _, r := range card.Ratings {
		c, _ := assay.FindCompetency(r.Competency)
		text := lintComment(r.Comment, c.Anchors)
		if text == "" {
			text = lintComment(r.Comment, c.AnchorsAt(level))
		}
		warn("rating."+r.Competency, text)
	}
	warn("reason_for", lintComment(card.ReasonFor, [4]string{}))
	warn("reason_against", lintComment(card.ReasonAgainst, [4]string{}))
	warn("note_to_next", lintNoteToNext(card.NoteToNext))
	return out
}

func plainWords(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r != '-' && r != '/' && !('a' <= r && r <= 'z') && !('0' <= r && r <= '9')
	}), " ")
}

// sentences counts the sentences of a text: what ends in a full stop, a question or an exclamation mark and has at least
// three words, so that "Yes. Yes. Yes." is none.
func sentences(text string) int {
	n := 0
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(".!?…。", r) }) {
		if len(strings.Fields(part)) >= 3 {
			n++
		}
	}
	return n
}

// ago says how much later now is than at, in the largest unit that tells: "3 d", "5 h", "12 min".
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return plural(int(d/(24*time.Hour)), "day", "days")
	case d >= time.Hour:
		return plural(int(d/time.Hour), "hour", "hours")
	default:
		return plural(int(d/time.Minute), "minute", "minutes")
	}
}
