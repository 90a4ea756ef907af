// The server's clock, counted on between its messages by the monotonic one. It never moves by itself: no ticking, no flashing.
const warnAt = [10 * 60, 2 * 60]

export function startClock(el) {
  if (!el) return {set() {}, onZero() {}, left: () => Infinity}
  const face = el.querySelector(".clock-face")
  const credit = el.querySelector(".clock-credit")
  const say = el.querySelector("[data-clock-say]")
  const toggle = el.querySelector("[data-clock-toggle]")
  let left = Number(el.dataset.left)
  let at = performance.now()
  let credited = Number(el.dataset.credited)
  let running = el.dataset.running === "true"
  let warned = new Set(warnAt.filter((s) => left <= s * 1000))
  let zero = false
  const zeroes = []

  const now = () => Math.max(0, left - (performance.now() - at))
  const words = (ms) => {
    if (!running) return "Not running"
    const s = Math.ceil(ms / 1000)
    if (s <= 0) return "Time is up"
    if (s < 600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} left`
    const m = Math.floor(s / 60)
    return m < 60 ? `${m} min left` : `${Math.floor(m / 60)} h ${m % 60} min left`
  }
  const length = (ms) => (ms >= 60000 ? `${Math.round(ms / 60000)} min` : `${Math.round(ms / 1000)} s`)

  function draw() {
    const ms = now()
    const text = words(ms)
    if (face.textContent !== text) face.textContent = text
    for (const s of warnAt) {
      if (running && ms <= s * 1000 && !warned.has(s)) {
        warned.add(s)
        say.textContent = `${s / 60} minutes left.`
        el.classList.add("soon")
      }
    }
    if (running && ms <= 0 && !zero) {
      zero = true
      say.textContent = "Time is up. What you typed is handed in for you."
      zeroes.forEach((f) => f())
    }
  }
  setInterval(draw, 1000)
  document.addEventListener("visibilitychange", draw)

  const hidden = () => localStorage.getItem("assay.clock") === "hidden"
  function showFace() {
    face.hidden = hidden()
    toggle.textContent = hidden() ? "Show clock" : "Hide"
    toggle.setAttribute("aria-pressed", String(hidden()))
  }
  toggle?.addEventListener("click", () => {
    localStorage.setItem("assay.clock", hidden() ? "shown" : "hidden")
    showFace()
  })
  if (toggle) showFace()
  draw()

  return {
    left: now,
    onZero(f) { zeroes.push(f) },
    set(c) {
      left = c.left_ms
      at = performance.now()
      running = c.running
      if (left > 0) zero = false
      warned = new Set(warnAt.filter((s) => left <= s * 1000 && warned.has(s)))
      if (c.credited_ms > credited) {
        say.textContent = `${length(c.credited_ms - credited)} were given back to your clock.`
        credit.textContent = `+${length(c.credited_ms)} given back`
        credit.hidden = false
      }
      credited = c.credited_ms
      draw()
    },
    tell(ms) {
      left = ms
      at = performance.now()
      draw()
    },
  }
}
