"""Right, and reads the whole log again for every label."""

import numpy as np

WINDOW = 7 * 86_400


def build(events, labels):
    e = {k: np.asarray(v) for k, v in events.items()}
    order = np.lexsort((e["ingest_time"], e["version"]))
    e = {k: v[order] for k, v in e.items()}
    out = {k: np.full(len(labels["time"]), np.nan) for k in ("count", "total", "last_amount", "age")}
    for i, (a, t) in enumerate(zip(np.asarray(labels["account"]).tolist(), np.asarray(labels["time"]).tolist())):
        r = np.flatnonzero((e["account"] == a) & (e["ingest_time"] <= t))
        # Highest version last: the reversed log has it first.
        _, first = np.unique(e["event_id"][r][::-1], return_index=True)
        r = r[::-1][first]
        r = r[(e["event_time"][r] <= t) & ~np.isnan(e["amount"][r])]
        inside = r[e["event_time"][r] > t - WINDOW]
        out["count"][i], out["total"][i] = len(inside), e["amount"][inside].sum()
        if len(r):
            last = r[np.lexsort((e["event_id"][r], e["event_time"][r]))[-1]]
            out["last_amount"][i], out["age"][i] = e["amount"][last], t - e["event_time"][last]
    return out
