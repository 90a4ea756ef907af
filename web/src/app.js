// What every page gets: times in the viewer's zone, and small comforts. Pages work without it.
import "./math.css"

document.documentElement.classList.add("js")

export function localTimes(root = document) {
  for (const el of root.querySelectorAll("time[data-time]")) {
    const t = new Date(el.dateTime)
    if (isNaN(t)) continue
    if (el.dataset.time === "ago") {
      el.title = full.format(t)
    } else {
      el.textContent = full.format(t)
      el.title = el.dateTime
    }
  }
}
const full = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"})

localTimes()
document.addEventListener("assay:fragment", (e) => localTimes(e.target))

// The first complaint of a form that came back takes the focus.
document.querySelector("[data-focus]")?.focus()

// A menu closes when one clicks elsewhere or presses Escape.
document.addEventListener("click", (e) => {
  for (const m of document.querySelectorAll("details.menu[open]")) if (!m.contains(e.target)) m.open = false
})
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return
  const m = document.activeElement?.closest?.("details.menu[open]")
  if (m) {
    m.open = false
    m.querySelector("summary").focus()
  }
})

// <button data-confirm="…"> asks before its form is sent.
document.addEventListener("submit", (e) => {
  const q = e.submitter?.dataset.confirm
  if (q && !confirm(q)) e.preventDefault()
})

// A preference applies as soon as it is chosen.
for (const f of document.querySelectorAll("form.preferences")) {
  f.addEventListener("change", () => f.requestSubmit())
  f.querySelector("button")?.setAttribute("hidden", "")
}

// A local date and time is sent with its zone; see form.when on the server.
for (const el of document.querySelectorAll('input[type="datetime-local"]')) {
  el.form?.addEventListener("submit", () => {
    let zone = el.form.elements[el.name + "_zone"]
    if (!zone) {
      zone = Object.assign(document.createElement("input"), {type: "hidden", name: el.name + "_zone"})
      el.form.append(zone)
    }
    const t = new Date(el.value)
    zone.value = isNaN(t) ? 0 : t.getTimezoneOffset()
  })
}
for (const el of document.querySelectorAll('input[type="datetime-local"][data-utc]')) {
  const t = new Date(el.dataset.utc)
  if (!isNaN(t)) el.value = new Date(t - t.getTimezoneOffset() * 60000).toISOString().slice(0, 16)
}

// <ul data-href> of links: arrows and Home/End move between tabs; plain links keep working.
document.addEventListener("keydown", (e) => {
  const tabs = e.target.closest?.(".tabs")
  if (!tabs || !["ArrowLeft", "ArrowRight"].includes(e.key)) return
  const all = [...tabs.querySelectorAll("a, button")]
  const next = all[all.indexOf(e.target) + (e.key === "ArrowRight" ? 1 : -1)]
  if (next) {
    e.preventDefault()
    next.focus()
  }
})
