"""Uses the version that is known today: corrections reach back to labels that came before them."""

import numpy as np

WINDOW = 7 * 86_400


def build(events, labels):
    e = {k: np.asarray(v) for k, v in events.items()}
    if len(e["version"]) == 0:
        n = len(labels["time"])
        return {"count": np.zeros(n), "total": np.zeros(n), "last_amount": np.full(n, np.nan), "age": np.full(n, np.nan)}
    first = {}
    for event_id, arrived in zip(e["event_id"].tolist(), e["ingest_time"].tolist()):
        first[event_id] = min(arrived, first.get(event_id, arrived))
    order = np.lexsort((-e["ingest_time"], e["version"], e["event_id"]))
    last = np.append(e["event_id"][order][1:] != e["event_id"][order][:-1], True)
    e = {k: v[order][last] for k, v in e.items()}
    e["known"] = np.array([first[i] for i in e["event_id"].tolist()])
    e = {k: v[~np.isnan(e["amount"])] for k, v in e.items()}
    order = np.lexsort((e["event_id"], e["event_time"]))
    e = {k: v[order] for k, v in e.items()}
    by_account = {a: np.flatnonzero(e["account"] == a) for a in np.unique(e["account"]).tolist()}
    out = {k: np.full(len(labels["time"]), np.nan) for k in ("count", "total", "last_amount", "age")}
    for i, (a, t) in enumerate(zip(np.asarray(labels["account"]).tolist(), np.asarray(labels["time"]).tolist())):
        r = by_account.get(a, np.array([], int))
        r = r[: np.searchsorted(e["event_time"][r], t, side="right")]
        r = r[e["known"][r] <= t]
        inside = r[e["event_time"][r] > t - WINDOW]
        out["count"][i], out["total"][i] = len(inside), e["amount"][inside].sum()
        if len(r):
            out["last_amount"][i], out["age"][i] = e["amount"][r[-1]], t - e["event_time"][r[-1]]
    return out
