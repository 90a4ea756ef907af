"""What did we know, when? One small log per trouble, each with its own check, a large one for time and memory, and edits of the future."""

import numpy as np

import generate  # the specification in brute force lives with the generator

NAMES = ("count", "total", "last_amount", "age")
LOGS = {"late": "late", "again": "redelivered", "corrected": "corrected", "moved": "moved", "withdrawn": "withdrawn"}


def grade(job):
    fine = contract(job)
    if not fine:
        for name in list(LOGS.values()) + ["edges", "future", "order", "scale"]:
            job.skip(name, "Not tried: build() has no usable answer.")
        return
    for log, name in LOGS.items():
        with job.check(name) as chk:
            events, labels = generate.load(job.hidden / f"{log}.npz")
            got, want = build(job, events, labels), generate.brute_force(events, labels)
            compare(chk, got, want, labels, name == "late")
    with job.check("edges") as chk:
        edges(job, chk)
    with job.check("future") as chk:
        future(job, chk)
    with job.check("order") as chk:
        order(job, chk)
    with job.check("scale") as chk:
        scale(job, chk)


def contract(job):
    done = False
    with job.check("contract") as chk:
        events, labels = generate.load(job.hidden / "mixed.npz")
        few = {k: v[:20] for k, v in labels.items()}
        build(job, events, few, timeout=20.0)
        done = True
    return done


def build(job, events, labels, timeout=40.0):
    """The candidate's features as float arrays; anything of another shape is a failed check."""
    out = job.candidate.call("build", events, labels, timeout=timeout)
    n = len(labels["time"])
    assert isinstance(out, dict), "build must return a dict."
    assert set(NAMES) <= set(out), "build must return " + ", ".join(NAMES) + "."
    table = {}
    for name in NAMES:
        try:
            table[name] = np.asarray(out[name], dtype=float)
        except (TypeError, ValueError):
            raise AssertionError(f"{name} must hold numbers.") from None
        assert table[name].shape == (n,), f"{name} has shape {table[name].shape} for {n} labels."
    return table


def equal(a, b):
    return np.isclose(a, b, rtol=1e-6, atol=1e-6, equal_nan=True)


def compare(chk, got, want, labels, whole):
    """Per feature; a log earns its points by features, except that the first one must be right as a whole."""
    right = {name: equal(got[name], want[name]) for name in NAMES}
    good = [name for name in NAMES if right[name].all()]
    share = float(np.mean(np.concatenate(list(right.values()))))
    chk.value = share
    if len(good) == len(NAMES):
        return
    bad = next(name for name in NAMES if name not in good)
    i = int(np.argmin(right[bad]))
    message = f"{100 * share:.1f} % of the features are right; {bad} is wrong for {int((~right[bad]).sum())} of {len(labels['time'])} labels."
    staff = f"account {labels['account'][i]} at {labels['time'][i]}: {bad} {got[bad][i]}, expected {want[bad][i]}; right: {good}"
    if whole or not good:
        chk.fail(message, staff=staff)
    chk.fraction(0.5 * len(good) / len(NAMES))
    chk.message, chk.staff = message, staff


def edges(job, chk):
    """Nothing at all, no labels, and seconds that decide."""
    empty_events = {k: np.array([], np.float64 if k == "amount" else np.int64) for k in generate.FIELDS}
    one = {"account": np.array([5, 5], np.int64), "time": np.array([generate.START, generate.START + 1], np.int64)}
    compare(chk, build(job, empty_events, one), generate.brute_force(empty_events, one), one, True)
    none = {"account": np.array([], np.int64), "time": np.array([], np.int64)}
    events, _ = generate.load(job.hidden / "mixed.npz")
    build(job, events, none)

    t, w = generate.START + 50 * generate.DAY, generate.WINDOW
    rows = [  # event_id, version, event_time, ingest_time, amount
        (1, 1, t, t, 1.0), (2, 1, t, t + 1, 2.0), (3, 1, t + 1, t, 4.0), (4, 1, t - w, t - w, 8.0), (5, 1, t - w + 1, t - 5, 16.0),
        (6, 1, t - 10, t - 9, 32.0), (7, 1, t - 20, t - 2, 64.0), (8, 1, t, t, 128.0), (9, 1, t - 3, t - 3, -256.0), (10, 1, t - 2, t - 2, 0.0),
    ]
    order = job.rng.permutation(len(rows))
    columns = list(zip(*(rows[i] for i in order)))
    events = {"account": np.full(len(rows), 5, np.int64)}
    for name, column in zip(generate.FIELDS[1:], columns):
        events[name] = np.array(column, np.float64 if name == "amount" else np.int64)
    when = np.array([t - 1, t, t + 1, t + w - 1, t + w, t + 2 * w, t - w, t - w - 1], np.int64)
    labels = {"account": np.full(len(when), 5, np.int64), "time": when}
    compare(chk, build(job, events, labels), generate.brute_force(events, labels), labels, True)


def future(job, chk):
    """Whatever happens to rows that arrive after a moment, features up to that moment stay as they are."""
    events, labels = generate.load(job.hidden / "mixed.npz")
    before = build(job, events, labels)
    for cut in np.quantile(labels["time"], [0.25, 0.5, 0.8]).astype(np.int64):
        after = np.flatnonzero(events["ingest_time"] > cut)
        changed = {k: v.copy() for k, v in events.items()}
        changed["amount"][after] = np.where(job.rng.random(len(after)) < 0.2, np.nan, job.rng.normal(0, 1e4, len(after)))
        changed["version"][after] += job.rng.integers(0, 9, len(after))
        changed["event_time"][after] -= job.rng.integers(0, 20 * generate.DAY, len(after))
        keep = np.ones(len(changed["version"]), bool)
        keep[after[job.rng.random(len(after)) < 0.3]] = False
        changed = {k: v[keep] for k, v in changed.items()}
        now = build(job, changed, labels)
        early = labels["time"] <= cut
        moved = sum(int((~equal(before[n], now[n]))[early].sum()) for n in NAMES)
        chk.expect(moved == 0, f"{moved} features of labels up to a moment changed when only rows that arrived after it did.")


def order(job, chk):
    """Neither the order of rows nor that of labels means anything, nor does a second copy of the whole log."""
    events, labels = generate.load(job.hidden / "mixed.npz")
    before = build(job, events, labels)
    p, q = job.rng.permutation(len(events["version"])), job.rng.permutation(len(labels["time"]))
    twice = np.concatenate([p, p[::-1]])
    now = build(job, {k: v[twice] for k, v in events.items()}, {k: v[q] for k, v in labels.items()})
    for name in NAMES:
        chk.expect(bool(equal(before[name][q], now[name]).all()), f"{name} depends on the order of rows or labels, or on rows that came twice.")


def scale(job, chk):
    """A log with one very busy account, in bounded time and memory, right on a sample."""
    events, labels = generate.load(job.hidden / "large.npz")
    got = build(job, events, labels)
    pick = job.rng.permutation(len(labels["time"]))[:150]
    busy = labels["account"][pick] == 1001
    pick = np.concatenate([pick[busy][:12], pick[~busy]])
    few = {k: v[pick] for k, v in labels.items()}
    want = generate.brute_force(events, few)
    share = float(np.mean([equal(got[n][pick], want[n]) for n in NAMES]))
    chk.value = share
    job.note(f"The large log took {job.candidate.seconds:.2f} s.")
    chk.expect(share > 0.5, f"On the large log {100 * share:.0f} % of the sampled features are right.")
    if share < 1:
        chk.fraction(0.5 * share)
        chk.message = f"In time, but only {100 * share:.0f} % of the sampled features are right."
