// Pages of people with an account: the scorecard saves itself and can be filled by keys, a running interview stays fresh, lines of
// code are reached by arrows. Everything also works without.

const clock = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"})
const localClocks = (root = document) => {
  for (const el of root.querySelectorAll("time[data-clock]")) {
    const t = new Date(el.dateTime)
    if (!isNaN(t)) el.textContent = clock.format(t)
  }
}
localClocks()

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
for (const el of document.querySelectorAll("[data-zone-name]")) el.textContent = zone || "Your time"

for (const b of document.querySelectorAll("button[data-copy]")) {
  b.addEventListener("click", async () => {
    const field = document.getElementById(b.dataset.copy)
    field.select()
    try {
      await navigator.clipboard.writeText(field.value)
      b.textContent = "Copied"
    } catch {
      b.textContent = "Press Ctrl+C"
    }
  })
}

// A running interview: its block is fetched again while the page is looked at.
for (const el of document.querySelectorAll("[data-refresh]")) {
  const every = Math.max(5, Number(el.dataset.every) || 15) * 1000
  setInterval(async () => {
    if (document.hidden || el.contains(document.activeElement)) return
    try {
      const r = await fetch(el.dataset.refresh, {headers: {Accept: "text/html"}})
      if (!r.ok || r.redirected) return
      el.innerHTML = await r.text()
      localClocks(el)
      el.dispatchEvent(new Event("assay:fragment", {bubbles: true}))
    } catch {} // offline: what is shown says as of when it is
  }, every)
}

// Code: arrows move between lines, c opens the comment. Only one line is a stop for Tab.
for (const table of document.querySelectorAll(".code table")) {
  const lines = [...table.querySelectorAll(".line-number > a")]
  if (!lines.length) continue
  lines.forEach((a, i) => (a.tabIndex = i ? -1 : 0))
  for (const a of table.querySelectorAll(".comment-link")) a.tabIndex = -1
  const focus = (a) => {
    for (const l of lines) l.tabIndex = -1
    a.tabIndex = 0
    a.focus()
  }
  table.addEventListener("keydown", (e) => {
    const at = lines.indexOf(document.activeElement)
    if (at < 0 || e.ctrlKey || e.metaKey || e.altKey) return
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1, PageDown: at + 20, PageUp: at - 20}[e.key]
    if (to !== undefined) {
      e.preventDefault()
      focus(lines[Math.min(lines.length - 1, Math.max(0, to))])
    } else if (e.key === "c") {
      const link = lines[at].closest("tr").querySelector(".comment-link")
      if (link) {
        e.preventDefault()
        link.click()
      }
    }
  })
}
document.querySelector(".remark-form textarea")?.focus() // the browser leaves autofocus to the line in the address
document.addEventListener("keydown", (e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
    const send = e.target.closest?.("form")?.querySelector("[data-send]")
    if (send) {
      e.preventDefault()
      send.click()
    }
  }
})

const card = document.querySelector("form[data-scorecard]")
if (card) scorecard(card)

function scorecard(form) {
  const state = document.getElementById("save-state")
  const say = (text, trouble = false) => {
    state.textContent = text
    state.classList.toggle("trouble", trouble)
  }
  let timer, saving, stopped = false, dirty = false

  // What stands in the fields for new evidence is not part of the draft until its button is pressed.
  const data = () => {
    const d = new URLSearchParams(new FormData(form))
    for (const el of form.querySelectorAll("[data-add]")) d.delete(el.name)
    d.delete("in_hand")
    d.set("action", "save")
    return d
  }
  const save = async () => {
    if (stopped || saving || !dirty) return
    dirty = false
    saving = true
    say("Saving…")
    try {
      // form.action would be the buttons of that name.
      const r = await fetch(form.getAttribute("action"), {method: "POST", body: data(), headers: {Accept: "application/json"}})
      if (r.ok && !r.redirected) {
        const s = await r.json()
        form.elements.version.value = s.version
        say("Saved " + clock.format(new Date(s.saved_at)))
        warn(s.warnings || {})
      } else {
        const p = await r.json().catch(() => ({}))
        stopped = r.status === 409 || r.status === 401 || r.status === 403
        dirty = true
        const fields = Object.values(p.fields || {})
        say(r.status === 409 ? "Not saved: this scorecard was changed in another window. “Save draft” shows how to go on." :
          "Not saved: " + (fields[0] || p.detail || "the server did not take it") + (r.status === 401 ? " What you wrote is still here." : ""), true)
      }
    } catch {
      dirty = true
      say("Offline. What you wrote is still here; saving is tried again.", true)
      clearTimeout(timer)
      timer = setTimeout(save, 5000)
    }
    saving = false
    if (dirty && !stopped && !state.classList.contains("trouble")) later()
  }
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(save, 900)
  }
  const warn = (warnings) => {
    for (const el of form.querySelectorAll("[data-warning]")) {
      el.textContent = warnings[el.dataset.warning] || ""
      el.hidden = !el.textContent
    }
  }
  form.addEventListener("input", (e) => {
    if (e.target.matches("[data-add]")) return
    dirty = true
    if (!stopped) later()
  })
  let leaving = false
  form.addEventListener("submit", (e) => {
    if (e.defaultPrevented) return
    clearTimeout(timer)
    leaving = true
    if (saving) { // let the save in the air land first, so that its version is the one that is sent
      e.preventDefault()
      const by = e.submitter
      const wait = setInterval(() => {
        if (saving) return
        clearInterval(wait)
        form.requestSubmit(by)
      }, 50)
    }
  })
  addEventListener("beforeunload", (e) => {
    if (dirty && !leaving) e.preventDefault()
  })
  document.addEventListener("visibilitychange", () => document.hidden && save())

  // Keys inside a competency, while no text is being typed.
  form.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "Enter") {
      e.preventDefault()
      form.requestSubmit(form.querySelector('button[value="submit"]'))
      return
    }
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return
    const section = e.target.closest("[data-rating]")
    if (!section) return
    if (/^[0-4]$/.test(e.key)) {
      const radio = section.querySelector(`input[name="rating.${section.dataset.rating}.score"][value="${e.key}"]`)
      radio.checked = true
      radio.focus()
      radio.dispatchEvent(new Event("input", {bubbles: true}))
    } else if (e.key === "[" || e.key === "]") {
      const all = [...form.querySelectorAll("[data-rating]")].filter((s) => s.offsetParent)
      all[all.indexOf(section) + (e.key === "]" ? 1 : -1)]?.focus()
    } else if (e.key === "e") {
      const add = section.querySelector(".evidence .more-fold")
      add.open = true
      add.querySelector("select, input").focus()
    } else return
    e.preventDefault()
  })
}
