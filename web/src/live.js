// One stream per page. Cards arrive whole and replace what is there; a fold that the reader opened or closed, and the place they
// scrolled to in an output, stay.
export function startLive(url, on) {
  if (!url) return
  let source
  let over = false
  const open = () => {
    source = new EventSource(url)
    on.state?.("connecting")
    source.addEventListener("open", () => on.state?.("live"))
    source.addEventListener("clock", (e) => on.clock(JSON.parse(e.data)))
    source.addEventListener("card", (e) => place(e.data, on))
    source.addEventListener("done", () => {
      over = true
      source.close()
      on.state?.("done")
      on.done?.()
    })
    source.addEventListener("error", () => {
      if (over) return
      on.state?.("reconnecting")
      // The browser retries by itself unless the answer was an error; then we do.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000)
    })
  }
  open()
  addEventListener("pagehide", () => source.close())
  addEventListener("pageshow", (e) => { if (e.persisted && !over) open() })
}

export function place(html, on) {
  const host = document.querySelector("[data-cards]")
  if (!host) return null
  const box = document.createElement("template")
  box.innerHTML = html
  const fresh = box.content.firstElementChild
  if (!fresh) return null
  const old = document.getElementById(fresh.id)
  if (!old) {
    for (const d of host.querySelectorAll("details.run[open]")) d.open = false
    host.prepend(fresh)
  } else {
    fresh.open = old.open
    const was = old.querySelector("[data-log]")
    const stuck = !was || was.scrollTop + was.clientHeight >= was.scrollHeight - 8
    const top = was?.scrollTop ?? 0
    const folds = [...old.querySelectorAll("details")].map((d) => d.open)
    const focus = old.contains(document.activeElement) ? path(old, document.activeElement) : null
    old.replaceWith(fresh)
    fresh.querySelectorAll("details").forEach((d, i) => { d.open = folds[i] ?? d.open })
    const now = fresh.querySelector("[data-log]")
    if (now) now.scrollTop = stuck ? now.scrollHeight : top
    if (focus) find(fresh, focus)?.focus({preventScroll: true})
  }
  fresh.dispatchEvent(new CustomEvent("assay:fragment", {bubbles: true}))
  on?.card?.(fresh, old)
  return fresh
}

// path and find carry the focus over a replacement: the same kind of element at the same place.
function path(root, el) {
  const same = [...root.querySelectorAll(el.tagName)]
  return {tag: el.tagName, at: same.indexOf(el)}
}
function find(root, p) {
  return p.at < 0 ? root.querySelector("summary") : root.querySelectorAll(p.tag)[p.at] ?? root.querySelector("summary")
}
