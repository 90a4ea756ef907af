"""Each delivered version is in force on [known_at, superseded_at). With these two numbers per row, history is a plain table."""

import numpy as np

WINDOW = 7 * 86_400
NEVER = np.iinfo(np.int64).max
PAIRS = 2_000_000  # label-row pairs looked at together: bounds the memory, whatever the busiest account does


def in_force(events):
    """One row per version that was ever in force, sorted by account, event_time and event_id."""
    e = {k: np.asarray(v) for k, v in events.items()}
    order = np.lexsort((e["ingest_time"], e["version"], e["event_id"]))
    e = {k: v[order] for k, v in e.items()}
    n = len(order)
    new = np.ones(n, bool)  # the first delivery of a version is the one that counts
    new[1:] = (e["event_id"][1:] != e["event_id"][:-1]) | (e["version"][1:] != e["version"][:-1])
    e = {k: v[new] for k, v in e.items()}

    # Walk each event's versions from the highest down; a version ends when any higher one becomes known.
    ids, known = e["event_id"].tolist(), e["ingest_time"].tolist()
    until = [NEVER] * len(ids)
    for i in range(len(ids) - 2, -1, -1):
        if ids[i] == ids[i + 1]:
            until[i] = min(until[i + 1], known[i + 1])
    e["until"] = np.array(until, np.int64)
    keep = (e["ingest_time"] < e["until"]) & ~np.isnan(e["amount"])
    order = np.flatnonzero(keep)
    order = order[np.lexsort((e["event_id"][order], e["event_time"][order], e["account"][order]))]
    return {k: v[order] for k, v in e.items()}


def position(e, account, time):
    """How many rows sort before or at (account, time)."""
    accounts, start = np.unique(e["account"], return_index=True)
    end = np.append(start[1:], len(e["account"]))
    out = np.zeros(len(account), np.int64)
    which = np.searchsorted(accounts, account)
    order = np.argsort(account, kind="stable")
    for block in np.split(order, np.flatnonzero(np.diff(account[order])) + 1) if len(order) else []:
        w = which[block[0]]
        if w < len(accounts) and accounts[w] == account[block[0]]:
            out[block] = start[w] + np.searchsorted(e["event_time"][start[w] : end[w]], time[block], side="right")
    return out


def first_row(e, account):
    accounts, start = np.unique(e["account"], return_index=True)
    which = np.minimum(np.searchsorted(accounts, account), max(len(accounts) - 1, 0))
    if len(accounts) == 0:
        return np.zeros(len(account), np.int64)
    return np.where(accounts[which] == account, start[which], 0)


def build(events, labels):
    account, time = np.asarray(labels["account"]), np.asarray(labels["time"])
    e = in_force(events)
    n = len(time)
    high = position(e, account, time)
    low = position(e, account, time - WINDOW)
    count, total = np.zeros(n), np.zeros(n)

    width = high - low
    ends = np.cumsum(width)
    begin = 0
    while begin < n:
        stop = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + PAIRS, side="right")))
        w = width[begin:stop]
        label = np.repeat(np.arange(begin, stop), w)
        row = np.arange(w.sum()) - np.repeat(np.cumsum(w) - w, w) + np.repeat(low[begin:stop], w)
        on = (e["ingest_time"][row] <= time[label]) & (time[label] < e["until"][row])
        count[begin:stop] = np.bincount(label[on] - begin, minlength=stop - begin)
        total[begin:stop] = np.bincount(label[on] - begin, weights=e["amount"][row[on]], minlength=stop - begin)
        begin = stop

    # The latest event in force: step back from `high`, all unresolved labels together.
    last_amount, age = np.full(n, np.nan), np.full(n, np.nan)
    floor = first_row(e, account)
    at, todo = high - 1, np.flatnonzero(high > 0)
    while len(todo):
        todo = todo[at[todo] >= floor[todo]]
        row = at[todo]
        on = (e["ingest_time"][row] <= time[todo]) & (time[todo] < e["until"][row])
        last_amount[todo[on]] = e["amount"][row[on]]
        age[todo[on]] = time[todo[on]] - e["event_time"][row[on]]
        todo = todo[~on]
        at[todo] -= 1
    return {"count": count, "total": total, "last_amount": last_amount, "age": age}
