package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

func (s *Server) showKits(c *gin.Context) error {
	kits, err := s.DB.Kits(c.Request.Context())
	if err != nil {
		return fmt.Errorf("list kits: %w", err)
	}
	var p view.KitsPage
	for _, k := range kits {
		p.Rows = append(p.Rows, view.KitRow{Kit: k, Focus: competencyNames(k.Focus)})
	}
	return s.page(c, view.Head{Title: "Kits", Lead: "What an interview uses and how its interviewers prepare.", Wide: true, Actions: view.KitsActions()}, view.KitsContent(p))
}

func (s *Server) showKit(c *gin.Context) error {
	ctx := c.Request.Context()
	kit, err := s.DB.Kit(ctx, assay.KitID(c.Param("kit")))
	if err != nil {
		return err
	}
	who, err := s.people(ctx)
	if err != nil {
		return err
	}
	p := view.KitPage{Kit: kit, Author: who.name(kit.CreatedBy), Focus: competenciesOf(kit.Focus), Manages: assay.May(actorOf(c), assay.ActManageLoop, assay.Facts{})}
	if kit.Guide != "" {
		p.Guide = s.prose.HTML(kit.Guide)
	}
	for _, q := range kit.Questions {
		row := view.KitPageQuestion{Minutes: q.Minutes, Slug: q.Slug}
		if question, err := s.Bank.Question(q.Slug); err == nil {
			row.Question = question
		}
		p.Questions = append(p.Questions, row)
	}
	head := view.Head{Title: kit.Title, Actions: view.KitActions(p)}
	if p.Manages {
		head.Crumbs = []view.Crumb{{Label: "Kits", Href: "/kits"}}
	}
	return s.page(c, head, view.KitContent(p))
}

func kitFormHead(base *assay.Kit) view.Head {
	head := view.Head{Title: "New kit", Wide: true, Crumbs: []view.Crumb{{Label: "Kits", Href: "/kits"}}}
	if base != nil {
		head.Title = "New version of " + base.Title
	}
	return head
}

func (s *Server) showKitForm(c *gin.Context) error {
	var base *assay.Kit
	if from := c.Query("from"); from != "" {
		kit, err := s.DB.Kit(c.Request.Context(), assay.KitID(from))
		if err != nil {
			return err
		}
		if kit, err = s.latestKit(c, kit.Slug, kit); err != nil {
			return err
		}
		base = &kit
	}
	p, err := s.kitForm(c, base, bankFilterOf(c.Request.URL.Query()), view.Form{})
	if err != nil {
		return err
	}
	return s.page(c, kitFormHead(base), view.KitFormContent(p))
}

// latestKit is the newest version of a slug; a change always starts from there.
func (s *Server) latestKit(c *gin.Context, slug string, fallback assay.Kit) (assay.Kit, error) {
	kits, err := s.DB.Kits(c.Request.Context())
	if err != nil {
		return fallback, fmt.Errorf("list kits: %w", err)
	}
	for _, k := range kits {
		if k.Slug == slug {
			return k, nil
		}
	}
	return fallback, nil
}

// kitForm lists the questions that may be chosen: the ready ones that pass the filter, and whatever is chosen already.
func (s *Server) kitForm(c *gin.Context, base *assay.Kit, filter view.BankFilter, entered view.Form) (view.KitFormPage, error) {
	p := view.KitFormPage{Base: base, Filter: filter, Focus: view.CompetencyOptions(), Form: entered}
	used, err := s.DB.QuestionUse(c.Request.Context())
	if err != nil {
		return p, fmt.Errorf("count the use of questions: %w", err)
	}
	was := map[string]int{}
	if base != nil {
		for _, q := range base.Questions {
			was[q.Slug] = q.Minutes
		}
	}
	for _, q := range s.Bank.Questions() {
		_, before := was[q.Slug]
		row := view.KitChoice{Question: q, Used: used[q.Slug], Chosen: entered.Has("question", q.Slug, before), Error: entered.Err("minutes." + q.Slug)}
		minutes := q.Minutes
		if m := was[q.Slug]; m > 0 {
			minutes = m
		}
		row.Minutes = entered.Get("minutes."+q.Slug, strconv.Itoa(minutes))
		if row.Chosen || q.Status == "ready" && passesFilter(filter, q) {
			p.Questions = append(p.Questions, row)
		}
	}
	slices.SortStableFunc(p.Questions, func(a, b view.KitChoice) int {
		switch {
		case a.Chosen && !b.Chosen:
			return -1
		case b.Chosen && !a.Chosen:
			return 1
		}
		return compareText(a.Question.Title, b.Question.Title)
	})
	return p, nil
}

func (s *Server) createKit(c *gin.Context) error {
	ctx := c.Request.Context()
	f, err := readForm(c)
	if err != nil {
		return err
	}
	kits, err := s.DB.Kits(ctx)
	if err != nil {
		return fmt.Errorf("list kits: %w", err)
	}
	var base *assay.Kit
	if slug := f.Values.Get("slug"); slug != "" {
		i := slices.IndexFunc(kits, func(k assay.Kit) bool { return k.Slug == slug })
		if i < 0 {
			return assay.Errorf(assay.NotFound, "There is no kit with this name any more.")
		}
		base = &kits[i]
	}
	filter := bankFilterOf(f.Values)
	if f.Values.Get("do") == "filter" {
		p, err := s.kitForm(c, base, filter, f.Form)
		if err != nil {
			return err
		}
		return s.page(c, kitFormHead(base), view.KitFormContent(p))
	}
	kit := s.readKit(f)
	if base != nil {
		kit.Slug = base.Slug
	} else {
		kit.Slug = freeSlug(kit.Title, kits)
	}
	if f.err() == nil {
		if err := s.DB.CreateKit(ctx, actorOf(c), &kit); err != nil && !f.take(err) {
			return fmt.Errorf("create kit: %w", err)
		}
	}
	if f.err() != nil {
		p, err := s.kitForm(c, base, filter, f.Form)
		if err != nil {
			return err
		}
		return s.invalidPage(c, kitFormHead(base), view.KitFormContent(p))
	}
	return s.redirect(c, "/kits/"+string(kit.ID), "The kit is saved as version "+strconv.Itoa(kit.Version)+".")
}

func (s *Server) readKit(f *form) assay.Kit {
	kit := assay.Kit{
		Title:    f.required("title", 120),
		Level:    choice(f, "level", assay.Levels),
		AIPolicy: choice(f, "ai_policy", []assay.AIPolicy{assay.AINone, assay.AIDocs, assay.AIAssistant, assay.AIAny}),
		Results:  choice(f, "results", []assay.Results{assay.ResultsNone, assay.ResultsVerdict, assay.ResultsPublic}),
		Guide:    f.text("guide", 20000),
	}
	var ids []string
	for _, c := range assay.Competencies() {
		ids = append(ids, c.ID)
	}
	kit.Focus = choices(f, "focus", ids)
	if n := len(kit.Focus); n == 0 || n > 3 {
		f.wrong("focus", "One to three competencies: what one sitting can show.")
	}
	total := 0
	for _, slug := range f.Values["question"] {
		question, err := s.Bank.Question(slug)
		if err != nil {
			f.wrong("questions", "The bank has no question %q.", slug)
			continue
		}
		if question.Status != "ready" {
			f.wrong("questions", "“%s” is not ready to be used: its status is %s.", question.Title, question.Status)
		}
		if slices.ContainsFunc(kit.Questions, func(q assay.KitQuestion) bool { return q.Slug == slug }) {
			continue
		}
		minutes := f.number("minutes."+slug, 1, 600)
		total += minutes
		kit.Questions = append(kit.Questions, assay.KitQuestion{Slug: slug, Minutes: minutes})
	}
	if len(kit.Questions) == 0 {
		f.wrong("questions", "Choose at least one question.")
	}
	if kit.Minutes = optionalNumber(f, "minutes", 5, 600, total); len(kit.Questions) > 0 && kit.Minutes < total && f.Err("minutes") == "" {
		f.wrong("minutes", "The questions alone take %d minutes.", total)
	}
	return kit
}

// freeSlug makes a slug of a title that no other kit has, so that a new kit never becomes a version of a strange one.
func freeSlug(title string, kits []assay.Kit) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !('a' <= r && r <= 'z') && !('0' <= r && r <= '9') })
	slug := strings.Join(words, "-")
	if slug == "" {
		slug = "kit"
	}
	slug = strings.Trim(slug[:min(len(slug), 60)], "-")
	taken := map[string]bool{}
	for _, k := range kits {
		taken[k.Slug] = true
	}
	for n, try := 2, slug; ; n++ {
		if !taken[try] {
			return try
		}
		try = slug + "-" + strconv.Itoa(n)
	}
}

// bankFilterOf reads the filter of a list of questions.
func bankFilterOf(v url.Values) view.BankFilter {
	return view.BankFilter{Level: v.Get("level_is"), Kind: v.Get("kind_is"), Competency: v.Get("shows"), Status: v.Get("status"), Text: strings.TrimSpace(v.Get("text"))}
}

func passesFilter(f view.BankFilter, q assay.Question) bool {
	if f.Level != "" && !slices.Contains(q.Levels, assay.Level(f.Level)) {
		return false
	}
	if f.Kind != "" && string(q.Kind) != f.Kind || f.Status != "" && q.Status != f.Status {
		return false
	}
	if f.Competency != "" && q.Competencies[f.Competency] == 0 {
		return false
	}
	text := strings.ToLower(strings.Join([]string{q.Title, q.Slug, q.Summary, q.Domain, q.Setting, strings.Join(slices.Sorted(maps.Keys(q.Competencies)), " ")}, " "))
	for _, word := range strings.Fields(strings.ToLower(f.Text)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
