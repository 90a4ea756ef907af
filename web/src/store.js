// A copy of what is typed, kept in this browser until the server has it. Storage may be missing or full: then we simply have none.
const open = new Promise((resolve) => {
  try {
    const r = indexedDB.open("assay", 1)
    r.onupgradeneeded = () => r.result.createObjectStore("drafts")
    r.onsuccess = () => resolve(r.result)
    r.onerror = r.onblocked = () => resolve(null)
  } catch {
    resolve(null)
  }
})

async function act(mode, f) {
  const db = await open
  if (!db) return undefined
  return new Promise((resolve) => {
    try {
      const tx = db.transaction("drafts", mode)
      const r = f(tx.objectStore("drafts"))
      tx.oncomplete = () => resolve(r.result)
      tx.onerror = tx.onabort = () => resolve(undefined)
    } catch {
      resolve(undefined)
    }
  })
}

export const local = {
  works: false,
  get: (key) => act("readonly", (s) => s.get(key)),
  put: (key, value) => act("readwrite", (s) => s.put(value, key)),
  drop: (key) => act("readwrite", (s) => s.delete(key)),
}

open.then((db) => { local.works = Boolean(db) })
