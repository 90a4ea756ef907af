// The code editor: one view, one state per file, so that undo, cursor and folds stay with their tab.
import {Compartment, EditorState} from "@codemirror/state"
import {
  EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, drawSelection, highlightSpecialChars, dropCursor, rectangularSelection, crosshairCursor,
} from "@codemirror/view"
import {defaultKeymap, history, historyKeymap, indentWithTab, toggleTabFocusMode} from "@codemirror/commands"
import {HighlightStyle, syntaxHighlighting, bracketMatching, indentOnInput, foldGutter, foldKeymap, indentUnit, syntaxTree} from "@codemirror/language"
import {searchKeymap, highlightSelectionMatches, search} from "@codemirror/search"
import {autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap, completeAnyWord} from "@codemirror/autocomplete"
import {linter, lintGutter, lintKeymap} from "@codemirror/lint"
import {python, pythonLanguage} from "@codemirror/lang-python"
import {tags as t} from "@lezer/highlight"

// The page's own colours, so that both themes and forced colours hold.
const colours = HighlightStyle.define([
  {tag: [t.keyword, t.controlKeyword, t.operatorKeyword, t.definitionKeyword, t.moduleKeyword, t.bool, t.null], color: "var(--syntax-keyword)"},
  {tag: [t.string, t.special(t.string)], color: "var(--syntax-string)"},
  {tag: [t.comment, t.lineComment], color: "var(--fg-faint)", fontStyle: "italic"},
  {tag: [t.number], color: "var(--syntax-number)"},
  {tag: [t.definition(t.function(t.variableName)), t.function(t.definition(t.variableName))], color: "var(--syntax-name)"},
  {tag: [t.className, t.definition(t.className), t.meta], color: "var(--syntax-type)"},
])

const look = EditorView.theme({
  "&": {height: "100%", backgroundColor: "var(--bg)", color: "var(--fg)", fontSize: "var(--text-dense)"},
  ".cm-scroller": {fontFamily: "var(--mono)", lineHeight: "1.55"},
  ".cm-content": {caretColor: "var(--fg)", paddingBlock: "8px"},
  ".cm-gutters": {backgroundColor: "var(--bg)", color: "var(--fg-faint)", border: "0", paddingInlineEnd: "4px"},
  ".cm-activeLine": {backgroundColor: "color-mix(in oklab, var(--bg-subtle) 70%, transparent)"},
  ".cm-activeLineGutter": {backgroundColor: "var(--bg-subtle)", color: "var(--fg)"},
  ".cm-cursor": {borderLeftColor: "var(--fg)", borderLeftWidth: "2px"},
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {backgroundColor: "color-mix(in oklab, var(--accent) 24%, transparent)"},
  ".cm-selectionMatch": {backgroundColor: "var(--tint-warning)"},
  "&.cm-focused .cm-matchingBracket": {backgroundColor: "var(--tint-accent)", outline: "1px solid var(--border-strong)"},
  "&.cm-focused": {outline: "none"},
  ".cm-panels": {backgroundColor: "var(--bg-subtle)", color: "var(--fg)", borderColor: "var(--border)"},
  ".cm-panels input, .cm-panels button": {font: "inherit", fontSize: "var(--text-dense)"},
  ".cm-textfield": {backgroundColor: "var(--bg)", border: "1px solid var(--border-strong)", color: "var(--fg)"},
  ".cm-button": {backgroundImage: "none", backgroundColor: "var(--bg)", border: "1px solid var(--border-strong)", borderRadius: "var(--radius)", color: "var(--fg)"},
  ".cm-searchMatch": {backgroundColor: "var(--tint-warning)", outline: "1px solid var(--warning)"},
  ".cm-tooltip": {backgroundColor: "var(--bg)", color: "var(--fg)", border: "1px solid var(--border)", borderRadius: "var(--radius)"},
  ".cm-tooltip-autocomplete ul li[aria-selected]": {backgroundColor: "var(--accent)", color: "var(--on-accent)"},
  ".cm-foldPlaceholder": {backgroundColor: "var(--bg-inset)", border: "0", color: "var(--fg-muted)"},
  ".cm-lintRange-error": {backgroundImage: "none", textDecoration: "underline wavy var(--danger) 1px"},
})

// Marks for what Python's grammar cannot read: cheap, and enough to see a missing bracket before running.
const syntaxMarks = linter((view) => {
  const marks = []
  if (view.state.doc.length > 200000) return marks
  syntaxTree(view.state).iterate({
    enter(n) {
      if (!n.type.isError || marks.length >= 5) return
      const line = view.state.doc.lineAt(Math.min(n.from, view.state.doc.length))
      const from = Math.min(n.from, Math.max(line.to - 1, line.from))
      marks.push({from, to: Math.min(Math.max(n.to, from + 1), view.state.doc.length), severity: "error", message: "Python cannot read this line."})
    },
  })
  return marks
}, {delay: 800})

export function createEditor(host, {files, nonce, readOnly, onChange, keys, label}) {
  const locked = new Compartment()
  const states = new Map()
  let current = null
  let everythingLocked = readOnly

  const make = (f) => EditorState.create({
    doc: f.content,
    extensions: [
      keymap.of(keys),
      lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), foldGutter(), drawSelection(), dropCursor(),
      EditorState.allowMultipleSelections.of(true), indentOnInput(), syntaxHighlighting(colours), bracketMatching(), closeBrackets(), autocompletion(),
      rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightSelectionMatches(), search({top: true}),
      indentUnit.of("    "), EditorState.tabSize.of(4),
      keymap.of([
        {key: "Ctrl-m", mac: "Shift-Alt-m", run: toggleTabFocusMode},
        ...closeBracketsKeymap, ...defaultKeymap.filter((k) => k.key !== "Mod-Enter"), ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab,
      ]),
      f.path.endsWith(".py") ? [python(), pythonLanguage.data.of({autocomplete: completeAnyWord}), lintGutter(), f.readOnly ? [] : syntaxMarks] : EditorView.lineWrapping,
      locked.of(EditorState.readOnly.of(everythingLocked || f.readOnly)),
      look, EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({"aria-label": label(f), tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off"}),
      EditorView.updateListener.of((u) => { if (u.docChanged) onChange(f.path) }),
    ],
  })

  // The first state comes with the view, since a view without our nonce would bring styles that the page refuses.
  const first = files.values().next().value
  states.set(first.path, make(first))
  current = first.path
  const view = new EditorView({parent: host, state: states.get(first.path)})
  const stash = () => { if (current !== null && states.has(current)) states.set(current, view.state) }
  const editor = {
    view,
    add(f) {
      states.set(f.path, make(f))
      if (current === null) editor.open(f.path)
    },
    open(path) {
      stash()
      current = path
      view.setState(states.get(path))
      view.dispatch({effects: locked.reconfigure(EditorState.readOnly.of(everythingLocked || files.get(path).readOnly))})
    },
    remove(path) {
      states.delete(path)
      if (current === path) current = null
    },
    content(path) { return path === current ? view.state.doc.toString() : states.get(path).doc.toString() },
    replace(path, content) {
      if (editor.content(path) === content) return
      if (path === current) view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: content}})
      else {
        const s = states.get(path)
        states.set(path, s.update({changes: {from: 0, to: s.doc.length, insert: content}}).state)
      }
    },
    lock() {
      everythingLocked = true
      view.dispatch({effects: locked.reconfigure(EditorState.readOnly.of(true))})
    },
    focus() { view.focus() },
  }
  for (const f of files.values()) if (f !== first) editor.add(f)
  return editor
}
