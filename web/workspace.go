package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay"
	"assay/storage/blob"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showWorkspace is where the work is done. Without scripts it is a form with text fields; scripts turn these into an editor.
func (s *Server) showWorkspace(c *gin.Context) error {
	i := interviewOf(c)
	if i.Status != assay.InterviewOpen {
		return s.redirect(c, sitPath(i.ID, ""))
	}
	w, err := s.workAt(c)
	if err != nil {
		return err
	}
	return s.workspace(c, http.StatusOK, w, nil)
}

// workAt is the question named by :position with what was done about it.
func (s *Server) workAt(c *gin.Context) (work, error) {
	items, err := s.DB.Items(c.Request.Context(), interviewOf(c).ID)
	if err != nil {
		return work{}, fmt.Errorf("load the questions: %w", err)
	}
	n, _ := strconv.Atoi(c.Param("position"))
	for _, it := range items {
		if it.Position == n {
			return s.workOn(c.Request.Context(), it)
		}
	}
	return work{}, assay.Errorf(assay.NotFound, "This interview has no question %q.", c.Param("position"))
}

// workspace shows the page; entered, when set, is what came back with a form, and why.
func (s *Server) workspace(c *gin.Context, status int, w work, entered *view.Entered) error {
	ctx, i, q := c.Request.Context(), interviewOf(c), w.public.Question
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return fmt.Errorf("load the questions: %w", err)
	}
	p := view.Workspace{
		Interview: i, Base: sitPath(i.ID, ""), Path: sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position)), Position: w.item.Position, Question: q, Title: w.item.Title,
		Minutes: w.item.Minutes, Statement: s.prose.HTML(w.public.Statement), Version: w.draft.Version, SavedAt: w.draft.UpdatedAt, Nonce: rand.Text(), CanRun: len(q.Run) > 0,
		CanAdd: len(q.Editable) == 0, Entered: entered, ReadOnly: !i.Accepts(s.Now()), Item: string(w.item.ID),
	}
	for _, it := range items {
		p.Others = append(p.Others, view.NavItem{Label: fmt.Sprintf("%d. %s", it.Position, it.Title), Href: sitPath(i.ID, fmt.Sprintf("/questions/%d", it.Position))})
	}
	p.Files = workFiles(w)
	if entered != nil && entered.Files != nil {
		p.Files = overlay(p.Files, entered.Files)
	}
	for _, f := range w.public.Data {
		p.Data = append(p.Data, view.DataFile{Path: f.Path, Size: len(f.Content), Href: p.Path + "/" + f.Path})
	}
	for n, sub := range w.submissions {
		if n == recentCards {
			p.Older = len(w.submissions) - n
			break
		}
		card, err := s.card(ctx, i, q, sub, nil)
		if err != nil {
			return err
		}
		card.Open = n == 0
		p.Cards = append(p.Cards, card)
	}
	head := candidateHead(i, w.item.Title)
	head.Wide, head.NoHeading, head.Workspace = true, true, true
	head.Bar = view.WorkspaceBar(p, s.clock(i))
	head.Scripts = []string{"workspace"}
	return s.pageStatus(c, status, head, view.WorkspacePage(p))
}

// recentCards is how many of the newest runs and submissions the workspace shows; the status page lists them all.
const recentCards = 12

// workFiles are the tabs: what can be edited first, then what is given.
func workFiles(w work) []view.WorkFile {
	var out []view.WorkFile
	starter := map[string]bool{}
	for _, f := range w.public.Starter {
		starter[f.Path] = true
	}
	for _, f := range w.draft.Files {
		out = append(out, view.WorkFile{Path: f.Path, Content: f.Content, Added: !starter[f.Path]})
	}
	slices.SortStableFunc(out, func(a, b view.WorkFile) int { // the file that is called comes first
		return strings.Compare(rank(a.Path, w), rank(b.Path, w))
	})
	for _, f := range w.public.Starter {
		if f.ReadOnly || !w.public.Question.CanEdit(f.Path) {
			out = append(out, view.WorkFile{Path: f.Path, Content: f.Content, ReadOnly: true})
		}
	}
	return out
}

func rank(path string, w work) string {
	if path == w.public.Question.Entry {
		return "0"
	}
	return "1" + path
}

// overlay puts what a form carried over the stored files, so that a page which says no still shows what was typed.
func overlay(files []view.WorkFile, entered []assay.File) []view.WorkFile {
	for _, e := range entered {
		if k := slices.IndexFunc(files, func(f view.WorkFile) bool { return f.Path == e.Path }); k >= 0 {
			files[k].Content = e.Content
		} else {
			files = append(files, view.WorkFile{Path: e.Path, Content: e.Content, Added: true})
		}
	}
	return files
}

// saved is the answer to a save. Conflict: Version and Files are what is stored, and nothing was written.
type saved struct {
	Version  int         `json:"version"`
	SavedAt  time.Time   `json:"saved_at,omitzero"`
	LeftMS   int64       `json:"left_ms"`
	Files    []savedFile `json:"files,omitempty"`
	Conflict bool        `json:"conflict,omitempty"`
}

type savedFile struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// saveDraft keeps what is being typed. It names the version it was made from; when another tab has saved meanwhile, the answer is
// 409 with what is stored, and the page asks which to keep.
func (s *Server) saveDraft(c *gin.Context) error {
	var in struct {
		Base  int         `json:"base"`
		Files []savedFile `json:"files"`
	}
	if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			return err
		}
		return assay.Errorf(assay.Invalid, "The draft could not be read.")
	}
	w, err := s.workAt(c)
	if err != nil {
		return err
	}
	var files []assay.File
	for _, f := range in.Files {
		files = append(files, assay.File{Path: f.Path, Content: f.Content})
	}
	d, err := s.keepDraft(c.Request.Context(), c, w, in.Base, files)
	i := interviewOf(c)
	if errors.Is(err, errStale) {
		return s.answerStale(c, w)
	} else if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, saved{Version: d.Version, SavedAt: d.UpdatedAt, LeftMS: i.Left(s.Now()).Milliseconds()})
}

// answerStale sends what is stored, so that the page can show both versions.
func (s *Server) answerStale(c *gin.Context, w work) error {
	d, err := s.DB.Draft(c.Request.Context(), w.item.ID)
	if err != nil {
		return fmt.Errorf("load the draft that is stored: %w", err)
	}
	out := saved{Version: d.Version, SavedAt: d.UpdatedAt, LeftMS: interviewOf(c).Left(s.Now()).Milliseconds(), Conflict: true}
	for _, f := range d.Files {
		out.Files = append(out.Files, savedFile{f.Path, f.Content})
	}
	return s.json(c, http.StatusConflict, out)
}

// errStale marks a Conflict of versions, as opposed to an interview that has closed.
var errStale = errors.New("saved from another place meanwhile")

// keepDraft checks and stores a draft. Saving what is stored already is no new version.
func (s *Server) keepDraft(ctx context.Context, c *gin.Context, w work, base int, files []assay.File) (assay.Draft, error) {
	i := interviewOf(c)
	if !i.Accepts(s.Now()) {
		return w.draft, assay.Errorf(assay.Conflict, "Time is up, so this is read-only now. What was saved before is handed in for you.")
	}
	if err := checkFiles(w.public, files); err != nil {
		return w.draft, err
	}
	if w.draft.Version > 0 && sameFiles(files, w.draft.Files) {
		return w.draft, nil
	}
	d, err := s.DB.SaveDraft(ctx, actorOf(c), w.item.ID, base, files)
	if assay.ErrorCode(err) == assay.Conflict {
		return w.draft, errors.Join(assay.Errorf(assay.Conflict, "This question was changed in another tab or on another device."), errStale)
	} else if err != nil {
		return d, fmt.Errorf("save the draft: %w", err)
	}
	return d, nil
}

// checkFiles refuses what cannot be handed in, naming the file and the limit.
func checkFiles(p assay.PublicQuestion, files []assay.File) error {
	if len(files) == 0 {
		return assay.Errorf(assay.Invalid, "There is no file to save.")
	}
	if err := assay.ValidateFiles(files, p.Question.MaxSize); err != nil {
		return err
	}
	for _, f := range files {
		if !p.Question.CanEdit(f.Path) {
			return assay.Errorf(assay.Invalid, "%s is given with the question and cannot be changed.", f.Path)
		}
		if slices.ContainsFunc(p.Starter, func(g assay.File) bool { return g.ReadOnly && g.Path == f.Path }) ||
			slices.ContainsFunc(p.Data, func(g assay.File) bool { return g.Path == f.Path }) || strings.HasPrefix(f.Path, "data/") {
			return assay.Errorf(assay.Invalid, "%s is given with the question and cannot be changed.", f.Path)
		}
	}
	return nil
}

func sameFiles(a, b []assay.File) bool {
	if len(a) != len(b) {
		return false
	}
	has := map[string]string{}
	for _, f := range a {
		has[f.Path] = f.Content
	}
	for _, f := range b {
		if v, ok := has[f.Path]; !ok || v != f.Content {
			return false
		}
	}
	return true
}

func sameStored(files []assay.File, stored []assay.StoredFile) bool {
	if len(files) != len(stored) {
		return false
	}
	sums := map[string]string{}
	for _, f := range stored {
		sums[f.Path] = f.SHA256
	}
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.Content))
		if sums[f.Path] != hex.EncodeToString(sum[:]) {
			return false
		}
	}
	return true
}

// handIn takes the workspace's form: do is save, run or submit. A script asks for JSON and gets the new card; a plain form is
// sent back to the workspace.
func (s *Server) handIn(c *gin.Context) error {
	ctx, i := c.Request.Context(), interviewOf(c)
	f, err := readForm(c)
	if err != nil {
		return err
	}
	w, err := s.workAt(c)
	if err != nil {
		return err
	}
	files := formFiles(f)
	base, _ := strconv.Atoi(f.Values.Get("base"))
	do, nonce := f.Values.Get("do"), f.Values.Get("nonce")

	draft, err := s.keepDraft(ctx, c, w, base, files)
	var sub assay.Submission
	if err == nil && do != "save" {
		w.draft = draft
		sub, err = s.createSubmission(ctx, actorOf(c), i, w, modeOf(do), nonce)
	}
	if wantsJSON(c) {
		if errors.Is(err, errStale) {
			return s.answerStale(c, w)
		} else if err != nil {
			return err
		}
		return s.answerHandIn(c, w, sub, draft)
	}
	if code := assay.ErrorCode(err); code == assay.Invalid || code == assay.TooLarge || code == assay.Conflict {
		// The page comes back with what was typed; the stored draft is as it was.
		if fresh, ferr := s.workAt(c); ferr == nil {
			w = fresh
		}
		entered := &view.Entered{Files: files, Problem: assay.ErrorMessage(err)}
		if errors.Is(err, errStale) {
			entered.Stored = w.draft.Files
		}
		return s.workspace(c, statusOf(code), w, entered)
	} else if err != nil {
		return err
	}
	note := map[string]string{"save": "Saved.", "run": "The public checks are running.", "submit": "Submitted. You may go on working and submit again."}[do]
	if note == "" {
		note = "Saved."
	}
	return s.redirect(c, sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position))+"#results", note)
}

func (s *Server) answerHandIn(c *gin.Context, w work, sub assay.Submission, draft assay.Draft) error {
	i := interviewOf(c)
	out := struct {
		saved
		Submission assay.SubmissionID `json:"submission,omitempty"`
		Card       string             `json:"card,omitempty"`
	}{saved: saved{Version: draft.Version, SavedAt: draft.UpdatedAt, LeftMS: i.Left(s.Now()).Milliseconds()}, Submission: sub.ID}
	if sub.ID != "" {
		card, err := s.card(c.Request.Context(), i, w.public.Question, sub, nil)
		if err != nil {
			return err
		}
		card.Open = true
		html, err := s.fragment(c, view.SubmissionCardView(card))
		if err != nil {
			return err
		}
		out.Card = string(html)
	}
	return s.json(c, http.StatusOK, out)
}

func modeOf(do string) assay.Mode {
	if do == "submit" {
		return assay.ModeSubmit
	}
	return assay.ModeRun
}

// formFiles are the text fields named file:PATH, and the one for a new file. Browsers send CR LF; files have LF.
func formFiles(f *form) []assay.File {
	var out []assay.File
	for name, v := range f.Values {
		if path, ok := strings.CutPrefix(name, "file:"); ok && len(v) > 0 {
			out = append(out, assay.File{Path: path, Content: strings.ReplaceAll(v[0], "\r\n", "\n")})
		}
	}
	if path := strings.TrimSpace(f.Values.Get("new_path")); path != "" {
		out = append(out, assay.File{Path: path, Content: strings.ReplaceAll(f.Values.Get("new_content"), "\r\n", "\n")})
	}
	slices.SortFunc(out, func(a, b assay.File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// createSubmission stores the draft's files and writes the row with its grading job. The same nonce again is the same submission.
func (s *Server) createSubmission(ctx context.Context, actor assay.Actor, i assay.Interview, w work, mode assay.Mode, nonce string) (assay.Submission, error) {
	if mode == assay.ModeRun && len(w.public.Question.Run) == 0 {
		return assay.Submission{}, assay.Errorf(assay.Invalid, "This question has no public checks to run.")
	}
	if nonce == "" || len(nonce) > 100 {
		return assay.Submission{}, assay.Errorf(assay.Invalid, "The page is too old. Reload it; your text is saved.")
	}
	// The same button pressed twice finds the first submission, even where limits would now refuse a second.
	for _, sub := range w.submissions {
		if sub.Nonce == nonce {
			return sub, nil
		}
	}
	if err := checkFiles(w.public, w.draft.Files); err != nil {
		return assay.Submission{}, err
	}
	sub := assay.Submission{ID: assay.NewSubmissionID(), InterviewID: i.ID, ItemID: w.item.ID, CandidateID: i.CandidateID, Mode: mode, Status: assay.StatusQueued, Nonce: nonce}
	for _, f := range w.draft.Files {
		key, err := blob.PutBytes(ctx, s.Blobs, []byte(f.Content))
		if err != nil {
			return sub, errors.Join(assay.Errorf(assay.Unavailable, "Your files could not be stored for grading just now. They are saved as a draft; try again in a moment."), fmt.Errorf("store %s: %w", f.Path, err))
		}
		sum := sha256.Sum256([]byte(f.Content))
		sub.Files = append(sub.Files, assay.StoredFile{Path: f.Path, Key: key, Size: int64(len(f.Content)), SHA256: hex.EncodeToString(sum[:])})
	}
	if err := s.DB.CreateSubmission(ctx, actor, &sub); err != nil {
		return sub, fmt.Errorf("create the submission: %w", err)
	}
	s.wake(i.ID)
	return sub, nil
}

// showDataFile shows a public data file, or sends it whole with ?download.
func (s *Server) showDataFile(c *gin.Context) error {
	i := interviewOf(c)
	if i.Status == assay.InterviewScheduled {
		return s.redirect(c, sitPath(i.ID, ""))
	}
	w, err := s.workAt(c)
	if err != nil {
		return err
	}
	name := "data" + c.Param("file")
	for _, f := range w.public.Data {
		if f.Path != name {
			continue
		}
		if c.Query("download") != "" {
			return s.download(c, name[strings.LastIndexByte(name, '/')+1:], "application/octet-stream", []byte(f.Content))
		}
		head := candidateHead(i, name)
		here := sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position))
		head.Crumbs = []view.Crumb{{Label: i.Title, Href: sitPath(i.ID, "")}, {Label: w.item.Title, Href: here}}
		head.Bar = view.ClockBar(s.clock(i))
		head.Scripts = []string{"workspace"}
		return s.page(c, head, view.DataFilePage(f, here+"/"+name+"?download=1"))
	}
	return assay.Errorf(assay.NotFound, "There is no data file %q.", name)
}
