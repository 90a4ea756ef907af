// What happens on a candidate's pages while the clock runs: the clock, the live stream, and in the workspace the editor.
import {startClock} from "./clock.js"
import {startLive} from "./live.js"
import {startWorkspace} from "./work.js"

const session = document.querySelector("[data-session]")
const clock = startClock(document.getElementById("clock"))
const root = document.getElementById("workspace")
const work = root ? startWorkspace(root, clock) : null

if (session) {
  startLive(session.dataset.live, {
    clock: (c) => {
      clock.set(c)
      if (!c.running) work ? work.over() : location.reload()
    },
    done: () => { if ("reloadWhenDone" in session.dataset) location.reload() },
    state: (s) => work?.live(s),
    card: (el) => work?.card(el),
  })
}
