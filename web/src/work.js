// The workspace: text fields become an editor, what is typed is saved as it is typed, runs and submissions are sent without
// leaving the page. Whatever fails, what was typed stays here, in this browser's store, and is sent again.
import {createEditor} from "./editor.js"
import {local} from "./store.js"
import {place} from "./live.js"

const saveAfter = 700 // ms of quiet, and at most saveLatest of typing, before a save
const saveLatest = 4000

export function startWorkspace(root, clock) {
  const $ = (id) => document.getElementById(id)
  const form = $("work-form"), host = $("editor-host"), tabs = $("file-tabs"), banner = $("work-banner"), say = $("say"), stateEl = $("save-state"), dialog = $("conflict")
  const url = root.dataset.path
  const key = root.dataset.item
  const nonce = document.querySelector("script[nonce]")?.nonce ?? ""
  const canAdd = root.dataset.canAdd === "true"
  let version = Number(root.dataset.version)
  let readOnly = root.dataset.readOnly === "true"
  let current = null

  // ── files ──
  const files = new Map()
  for (const el of document.querySelectorAll(".plain-file")) {
    const area = el.querySelector("textarea")
    files.set(el.dataset.file, {path: el.dataset.file, readOnly: el.dataset.ro === "true", added: el.dataset.added === "true", content: area.value})
  }
  $("plain-files").remove()
  const editor = createEditor(host, {
    files, nonce, readOnly, label: (f) => `${f.path}, ${f.readOnly ? "read-only" : "code editor"}. Escape then Tab leaves the editor.`,
    onChange: changed,
    keys: [
      {key: "Mod-Shift-Enter", run: () => (send("submit"), true)},
      {key: "Mod-Enter", run: () => (send("run"), true)},
      {key: "F6", run: () => (cyclePanes(1), true), shift: () => (cyclePanes(-1), true)},
    ],
  })
  const mine = () => [...files.values()].filter((f) => !f.readOnly).map((f) => ({path: f.path, content: editor.content(f.path)}))

  function drawTabs() {
    tabs.replaceChildren()
    for (const f of files.values()) {
      const b = document.createElement("button")
      b.type = "button"
      b.role = "tab"
      b.className = "file-tab"
      b.textContent = f.path
      b.setAttribute("aria-selected", String(f.path === current))
      b.tabIndex = f.path === current ? 0 : -1
      if (f.readOnly) {
        b.append(" ", tag("read-only"))
      }
      b.addEventListener("click", () => open(f.path))
      tabs.append(b)
    }
    if (canAdd && !readOnly) {
      tabs.append(tool("New file", newFile))
      if (files.get(current)?.added) tabs.append(tool("Delete this file", deleteFile))
    }
  }
  const tag = (text) => Object.assign(document.createElement("span"), {className: "tag", textContent: text})
  const tool = (text, f) => {
    const b = Object.assign(document.createElement("button"), {type: "button", className: "button quiet small", textContent: text})
    b.addEventListener("click", f)
    return b
  }
  function open(path, focus = true) {
    current = path
    editor.open(path)
    drawTabs()
    host.setAttribute("aria-label", `Editor, ${path}`)
    if (focus) editor.focus()
  }
  tabs.addEventListener("keydown", (e) => {
    const all = [...tabs.querySelectorAll("[role=tab]")]
    const at = all.indexOf(document.activeElement)
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[e.key]
    if (at < 0 || to === undefined || !all[to]) return
    e.preventDefault()
    open([...files.keys()][to], false)
    tabs.querySelectorAll("[role=tab]")[to].focus()
  })
  function newFile() {
    const path = prompt("Name of the new file, for example helpers.py")?.trim()
    if (!path) return
    if (files.has(path)) return open(path)
    if (!/^[\w][\w.-]*(\/[\w][\w.-]*)*$/.test(path) || path.startsWith("data/")) return tell("danger", "That name cannot be used.", "Letters, digits, dots and dashes, with / for folders; not below data/.")
    const f = {path, content: "", readOnly: false, added: true}
    files.set(path, f)
    editor.add(f)
    open(path)
    changed()
  }
  function deleteFile() {
    if (!files.get(current)?.added || !confirm(`Delete ${current}? It stays in what you submitted before.`)) return
    const path = current
    files.delete(path)
    open([...files.keys()][0])
    editor.remove(path)
    drawTabs()
    changed()
  }
  open([...files.keys()][0], false)

  // ── saving ──
  let dirty = false, saving = null, timer = 0, latest = 0, retry = 0, conflicted = false, failures = 0, edits = 0
  function changed() {
    if (readOnly) return
    dirty = true
    edits++
    keepLocal()
    if (conflicted) return
    show("neutral", "Editing")
    clearTimeout(timer)
    latest ||= Date.now() + saveLatest
    timer = setTimeout(save, Math.max(0, Math.min(saveAfter, latest - Date.now())))
  }
  let localTimer = 0
  function keepLocal() {
    clearTimeout(localTimer)
    localTimer = setTimeout(() => { if (dirty) local.put(key, {base: version, files: mine(), at: Date.now()}) }, 250)
  }
  async function save() {
    clearTimeout(timer)
    if (conflicted || readOnly && !dirty) return false
    while (saving) await saving
    if (!dirty) return true
    latest = 0
    saving = put()
    const ok = await saving
    saving = null
    if (ok && dirty) timer = setTimeout(save, saveAfter)
    return ok
  }
  async function put() {
    const sent = mine(), at = edits
    show("info", "Saving…")
    let r
    try {
      r = await fetch(url + "/draft", {method: "PUT", headers: {"Content-Type": "application/json", Accept: "application/json"}, body: JSON.stringify({base: version, files: sent}), keepalive: leaving && sent.reduce((n, f) => n + f.content.length, 0) < 20000, signal: AbortSignal.timeout(20000)})
    } catch {
      return offline()
    }
    if (r.status >= 500 || r.status === 429) return offline(r.status)
    const b = await r.json().catch(() => ({}))
    if (r.status === 409 && b.conflict) {
      conflict(b)
      return false
    }
    if (!r.ok) {
      failures++
      show("danger", "Not saved")
      tell("danger", b.detail || "This could not be saved.", r.status === 401 ? "Open the link in your invitation in another tab, then come back: your text stays here." : "Your text stays here and in this browser; the draft that was saved before is unchanged.")
      return false
    }
    online()
    version = b.version
    form.elements.base.value = version
    clock.tell?.(b.left_ms)
    if (edits === at) {
      dirty = false
      clearTimeout(localTimer)
      local.drop(key)
    }
    if (!dirty) show("success", "Saved")
    return true
  }
  function offline(status) {
    failures++
    clearTimeout(retry)
    retry = setTimeout(save, Math.min(30000, 1000 * 2 ** Math.min(failures, 5)))
    show("warning", status ? "Server busy, kept here" : "Offline, kept here")
    if (failures === 1) tell("warning", status ? "The server cannot save just now." : "You are offline.", "Go on working: what you type is kept in this browser and saved as soon as the connection is back.", "offline")
    return false
  }
  function online() {
    if (failures) {
      failures = 0
      clearTimeout(retry)
      clear("offline")
      say.textContent = "Back online. Your text is saved."
    }
    if (banner.querySelector(".banner.danger")) clear()
  }
  addEventListener("online", () => { if (dirty) save() })
  document.addEventListener("visibilitychange", () => { if (document.hidden && dirty) save() })
  // A link of ours waits until what was typed is saved; what is closed at once is saved on the way out.
  document.addEventListener("click", async (e) => {
    const a = e.target.closest?.("a[href]")
    if (!a || !dirty || conflicted || failures || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || a.target || a.origin !== location.origin || a.hash && a.pathname === location.pathname) return
    e.preventDefault()
    await save()
    location.assign(a.href)
  })
  let leaving = false
  addEventListener("beforeunload", (e) => {
    leaving = true
    if (dirty && !conflicted) {
      save()
      if (failures && !local.works) e.preventDefault() // otherwise the copy in this browser brings it back
    }
  })

  let shown = ""
  function show(tone, word) {
    if (shown === word) return
    shown = word
    const p = document.createElement("span")
    p.className = `pill ${tone}`
    p.textContent = word
    stateEl.replaceChildren(p)
  }
  function tell(kind, title, text, id = "") {
    const b = document.createElement("div")
    b.className = `banner ${kind}`
    b.dataset.id = id
    b.role = kind === "danger" ? "alert" : "status"
    const h = Object.assign(document.createElement("p"), {className: "banner-title", textContent: title})
    const t = Object.assign(document.createElement("div"), {className: "banner-body", textContent: text})
    b.append(h, t)
    banner.replaceChildren(b)
  }
  function clear(id) {
    for (const b of banner.querySelectorAll(".banner")) if (!id || b.dataset.id === id) b.remove()
  }

  // ── two tabs: both versions are shown, and the one not chosen is kept to be looked at ──
  function conflict(b) {
    conflicted = true
    show("warning", "Changed elsewhere")
    const here = mine()
    dialog.replaceChildren()
    const el = (name, props = {}, ...kids) => {
      const n = Object.assign(document.createElement(name), props)
      n.append(...kids)
      return n
    }
    const side = (title, list) => {
      const box = el("section", {className: "conflict-side"}, el("h3", {textContent: title}))
      for (const f of list) {
        const other = (list === here ? b.files : here).find((g) => g.path === f.path)
        if (other?.content === f.content) continue
        box.append(el("p", {className: "path", textContent: f.path}), el("pre", {tabIndex: 0, textContent: f.content}))
      }
      return box
    }
    const take = (files2, keep) => async () => {
      await local.put(`${key}:kept:${Date.now()}`, {files: keep, at: Date.now()})
      version = b.version
      form.elements.base.value = version
      conflicted = false
      apply(files2)
      dialog.close()
      dirty = true
      save()
      banner.replaceChildren()
      const kept = new Blob([keep.map((f) => `# ─── ${f.path} ───\n${f.content}`).join("\n")], {type: "text/plain"})
      const note = el("div", {className: "banner info"}, el("p", {className: "banner-title", textContent: "The other version is kept."}))
      const link = el("button", {type: "button", className: "button small", textContent: "Look at it"})
      link.addEventListener("click", async () => {
        const pre = el("pre", {tabIndex: 0, className: "kept", textContent: await kept.text()})
        link.replaceWith(pre)
      })
      note.append(link)
      banner.append(note)
      editor.focus()
    }
    const useMine = el("button", {type: "button", className: "button primary", textContent: "Keep what is here"})
    const useOther = el("button", {type: "button", className: "button", textContent: "Take the other one"})
    useMine.addEventListener("click", take(here, b.files))
    useOther.addEventListener("click", take(b.files, here))
    dialog.append(
      el("h2", {id: "conflict-title", textContent: "This question was changed in another tab or on another device."}),
      el("p", {textContent: "Nothing is lost: choose which version to go on with. The other is kept, and you can look at it afterwards."}),
      el("div", {className: "conflict-sides"}, side("Here", here), side("The other one", b.files)),
      el("div", {className: "actions"}, useMine, useOther),
    )
    if (!dialog.open) dialog.showModal()
    useMine.focus()
  }
  dialog.addEventListener("cancel", (e) => { if (conflicted) e.preventDefault() })
  function apply(list) {
    for (const f of list) {
      if (!files.has(f.path)) {
        const g = {path: f.path, content: f.content, readOnly: false, added: true}
        files.set(f.path, g)
        editor.add(g)
      } else editor.replace(f.path, f.content)
    }
    for (const f of [...files.values()]) {
      if (!f.readOnly && !list.some((g) => g.path === f.path)) {
        files.delete(f.path)
        if (current === f.path) open([...files.keys()][0], false)
        editor.remove(f.path)
      }
    }
    drawTabs()
  }

  // What this browser kept and the server never got.
  local.get(key).then((kept) => {
    if (!kept || readOnly || !Array.isArray(kept.files)) return
    const now = mine()
    const same = kept.files.length === now.length && kept.files.every((f) => now.some((g) => g.path === f.path && g.content === f.content))
    if (same) return local.drop(key)
    if (kept.base === version && !dirty) {
      apply(kept.files)
      tell("info", "What you typed before the connection was lost is back.", "It had been kept in this browser and is being saved now.")
      dirty = true
      save()
    } else if (!dirty) {
      const stored = now
      apply(kept.files)
      dirty = true
      conflict({version, files: stored})
    }
  })

  // ── running and submitting ──
  const buttons = {run: $("do-run"), submit: $("do-submit")}
  const busy = {run: false, submit: false}
  async function send(what) {
    if (readOnly || busy[what] || !buttons[what]) return
    busy[what] = true
    buttons[what].setAttribute("aria-disabled", "true")
    try {
      while (saving) await saving
      clearTimeout(timer)
      if (conflicted) return dialog.open || dialog.showModal()
      await post(what, crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now())
    } finally {
      busy[what] = false
      buttons[what].removeAttribute("aria-disabled")
    }
  }
  // post sends the files and the nonce; the same nonce after a lost answer is the same submission.
  async function post(what, id, tries = 0) {
    const data = new FormData()
    const sent = mine(), at = edits
    for (const f of sent) data.append("file:" + f.path, f.content)
    data.append("base", version)
    data.append("nonce", id)
    data.append("do", what)
    say.textContent = what === "submit" ? "Submitting." : "Running the public checks."
    saving = (async () => {
      try {
        return await fetch(url, {method: "POST", headers: {Accept: "application/json"}, body: data, signal: AbortSignal.timeout(30000)})
      } catch {
        return null
      }
    })()
    const r = await saving
    saving = null
    if (!r || r.status >= 500) {
      if (tries < 5) {
        show("warning", "Sending again…")
        await new Promise((ok) => setTimeout(ok, 800 * 2 ** tries))
        return post(what, id, tries + 1)
      }
      dirty = true
      keepLocal()
      offline()
      tell("warning", what === "submit" ? "It could not be submitted yet." : "It could not be run yet.", "There is no connection. Your text is kept; press the button again when you are online. It is never submitted twice.", "offline")
      return
    }
    const b = await r.json().catch(() => ({}))
    if (!r.ok) {
      if (b.conflict) return conflict(b)
      if (dirty) save()
      tell("warning", b.detail || "That was not accepted.", "Your text stays here.")
      return
    }
    online()
    clear()
    version = b.version
    form.elements.base.value = version
    if (edits === at) {
      dirty = false
      local.drop(key)
      show("success", "Saved")
    }
    if (b.card) {
      place(b.card, {card})
      $("no-results").hidden = true
      $("pane-results").scrollTop = 0
    }
    say.textContent = what === "submit" ? "Submitted." : "The public checks are running."
  }
  form.addEventListener("submit", (e) => {
    e.preventDefault()
    const what = e.submitter?.value
    if (what === "save") save()
    else if (what) send(what)
  })
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || !(e.ctrlKey || e.metaKey) || e.key !== "Enter") return
    e.preventDefault()
    send(e.shiftKey ? "submit" : "run")
  })
  root.addEventListener("submit", async (e) => {
    if (!("cancel" in e.target.dataset)) return
    e.preventDefault()
    const r = await fetch(e.target.action, {method: "POST", headers: {Accept: "application/json"}}).catch(() => null)
    if (r?.ok) place((await r.json()).card, {card})
    else tell("warning", "It could not be cancelled just now.", "Try again in a moment.")
  })

  const told = new Map()
  function card(el) {
    $("no-results").hidden = true
    const status = el.dataset.status
    if (told.get(el.id) !== status) {
      if (told.has(el.id) && status === "done") say.textContent = el.querySelector("summary").textContent.replace(/\s+/g, " ").trim()
      told.set(el.id, status)
    }
  }

  // ── panes ──
  const panes = ["pane-question", "pane-editor", "pane-results"]
  function cyclePanes(step) {
    const at = panes.findIndex((id) => $(id).contains(document.activeElement))
    const next = panes[(at + step + panes.length) % panes.length]
    if (next === "pane-editor") editor.focus()
    else $(next).focus()
  }
  document.addEventListener("keydown", (e) => {
    if (e.key !== "F6" || e.defaultPrevented) return
    e.preventDefault()
    cyclePanes(e.shiftKey ? -1 : 1)
  })
  for (const s of document.querySelectorAll(".splitter")) {
    const name = "--" + s.dataset.split, min = Number(s.ariaValueMin), max = Number(s.ariaValueMax), from = Number(s.ariaValueNow)
    const set = (v) => {
      v = Math.round(Math.min(max, Math.max(min, v)))
      root.style.setProperty(name, v + "%")
      s.ariaValueNow = v
      localStorage.setItem("assay" + name, v)
    }
    const kept = Number(localStorage.getItem("assay" + name))
    if (kept) set(kept)
    s.addEventListener("keydown", (e) => {
      const left = s.dataset.split === "left" ? 1 : -1
      const d = {ArrowRight: 2 * left, ArrowLeft: -2 * left, Home: -100, End: 100}[e.key]
      if (d === undefined) return
      e.preventDefault()
      set(Number(s.ariaValueNow) + d)
    })
    let moved = false
    s.addEventListener("pointerdown", (e) => {
      s.setPointerCapture(e.pointerId)
      moved = false
    })
    s.addEventListener("pointermove", (e) => {
      if (!s.hasPointerCapture(e.pointerId)) return
      const box = root.getBoundingClientRect()
      const v = ((e.clientX - box.left) / box.width) * 100
      if (Math.abs(v - (s.dataset.split === "left" ? Number(s.ariaValueNow) : 100 - Number(s.ariaValueNow))) > 0.5) moved = true
      if (moved) set(s.dataset.split === "left" ? v : 100 - v)
    })
    // A press without a drag steps through narrow, usual and wide.
    s.addEventListener("click", () => {
      if (moved) return
      const now = Number(s.ariaValueNow)
      set(now < from ? from : now < max ? max : min)
    })
  }

  // ── the end ──
  clock.onZero?.(async () => {
    if (dirty) await save()
    lock("Time is up.", "What you typed is handed in for you. This page changes as soon as that is done.")
  })
  function lock(title, text) {
    if (readOnly) return
    readOnly = true
    editor.lock()
    for (const b of Object.values(buttons)) b?.setAttribute("disabled", "")
    show("neutral", "Read-only")
    tell("info", title, text)
  }

  return {
    card,
    live(s) {
      $("live-state").textContent = {connecting: "connecting…", live: "", reconnecting: "reconnecting…", done: ""}[s]
    },
    over() {
      lock("The interview is over.", "Taking you to where things stand…")
      location.assign(root.dataset.path.replace(/\/questions\/.*/, ""))
    },
  }
}
