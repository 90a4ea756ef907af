"""Draws payment logs as a feature store sees them: late, repeated, corrected, moved and withdrawn.

generate(seed, out_dir) writes public/ (one small log with every trouble in it, 25 answers) and hidden/ (one log per trouble, and a
large one). The answers in public/ come from `brute_force`, which the harness uses as well: slow, short, and nothing to be clever about.
"""

import pathlib

import numpy as np

DAY = 86_400
WINDOW = 7 * DAY
START = 1_700_000_000
FIELDS = ("account", "event_id", "version", "event_time", "ingest_time", "amount")


def log(rng, rows, accounts, days, late=0.0, again=0.0, corrected=0.0, moved=0.0, withdrawn=0.0, skew=0.0, hot=0.0):
    """A log of about `rows` deliveries; each keyword is the share of events that meet that trouble."""
    n = int(rows / (1 + again + 1.3 * (corrected + moved) + withdrawn))
    account = rng.integers(0, accounts, n) * 7 + 1001
    account[rng.random(n) < hot] = 1001
    event_time = START + rng.integers(0, days * DAY, n)
    delay = rng.integers(0, 40, n)
    slow = rng.random(n) < late
    delay[slow] = rng.gamma(1.2, 0.8 * DAY, slow.sum()).astype(np.int64)
    early = rng.random(n) < skew
    delay[early] = -rng.integers(1, 1800, early.sum())  # a clock that runs ahead: it arrives before it happened
    amount = np.round(rng.gamma(1.5, 30.0, n), 2) * np.where(rng.random(n) < 0.1, -1, 1)
    event_id = rng.permutation(n) + 500_000
    first = np.column_stack([account, event_id, np.ones(n, np.int64), event_time, event_time + delay])
    parts, amounts = [first], [amount]

    def again_from(share, change):
        i = np.flatnonzero(rng.random(n) < share)
        rows, value = change(i)
        parts.append(rows)
        amounts.append(value)

    def wait(k, scale=1.5):
        return rng.gamma(1.0, scale * DAY, k).astype(np.int64) + 1

    def correct(i):
        r = first[i].copy()
        r[:, 2] = 2
        r[:, 4] += wait(len(i))
        return r, np.round(amount[i] * rng.uniform(0.2, 3, len(i)), 2)

    def correct_twice(i):
        # Version 3 does not wait for version 2: they arrive in either order.
        r = first[i].copy()
        r[:, 2] = 3
        r[:, 4] += wait(len(i))
        return r, np.round(amount[i] * rng.uniform(0.2, 3, len(i)), 2)

    def move(i):
        r = first[i].copy()
        r[:, 2] = 4
        r[:, 3] -= rng.integers(-2 * DAY, 9 * DAY, len(i))
        r[:, 4] += wait(len(i))
        return r, amount[i]

    def withdraw(i):
        r = first[i].copy()
        r[:, 2] = 5
        r[:, 4] += wait(len(i))
        return r, np.full(len(i), np.nan)

    again_from(corrected, correct)
    again_from(corrected * 0.3, correct_twice)
    again_from(moved, move)
    again_from(withdrawn, withdraw)
    rows, value = np.concatenate(parts), np.concatenate(amounts)

    # Delivered at least once: any version may come again, later, word for word.
    repeat = np.flatnonzero(rng.random(len(rows)) < again)
    copies = rows[repeat].copy()
    copies[:, 4] += wait(len(repeat), 2.0)
    rows, value = np.concatenate([rows, copies]), np.concatenate([value, value[repeat]])

    order = rng.permutation(len(rows))
    rows, value = rows[order], value[order]
    return {**{name: rows[:, i].copy() for i, name in enumerate(FIELDS[:5])}, "amount": value}


def questions(rng, events, count, days, strangers=0.03):
    """Accounts and moments to build features for: half at random, half right at an arrival or the end of a window."""
    account = rng.choice(events["account"], count)
    time = START + rng.integers(DAY, (days + 3) * DAY, count)
    near = rng.random(count) < 0.5
    pick = rng.integers(0, len(events["account"]), count)
    account[near] = events["account"][pick[near]]
    offset = rng.choice([-1, 0, 1], count)
    edge = np.where(rng.random(count) < 0.6, events["ingest_time"][pick], events["event_time"][pick] + WINDOW * rng.integers(0, 2, count))
    time[near] = (edge + offset)[near]
    account[rng.random(count) < strangers] = 7
    return {"account": account, "time": time}


def brute_force(events, labels):
    """The specification, one label at a time."""
    where = {}
    for i, a in enumerate(events["account"].tolist()):
        where.setdefault(a, []).append(i)
    rows = list(zip(*(events[name].tolist() for name in FIELDS)))
    out = {"count": [], "total": [], "last_amount": [], "age": []}
    for a, t in zip(labels["account"].tolist(), labels["time"].tolist()):
        known = {}
        for i in where.get(a, ()):
            _, event_id, version, event_time, ingest_time, amount = rows[i]
            if ingest_time <= t and (event_id not in known or version > known[event_id][0]):
                known[event_id] = (version, event_time, amount)
        past = [(when, event_id, amount) for event_id, (_, when, amount) in known.items() if when <= t and amount == amount]
        inside = [amount for when, _, amount in past if when > t - WINDOW]
        last = max(past, default=None)
        out["count"].append(len(inside))
        out["total"].append(float(sum(inside)))
        out["last_amount"].append(last[2] if last else float("nan"))
        out["age"].append(t - last[0] if last else float("nan"))
    return {name: np.array(column, float) for name, column in out.items()}


def write_csv(path, table):
    names = list(table)
    lines = [",".join(names)]
    for row in zip(*(table[name].tolist() for name in names)):
        lines.append(",".join("" if v != v else (f"{v:.2f}" if isinstance(v, float) and not float(v).is_integer() else f"{v:.0f}") for v in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def generate(seed, out_dir):
    out = pathlib.Path(out_dir)
    (out / "public").mkdir(parents=True, exist_ok=True)
    (out / "hidden").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([20271, int(seed)])

    events = log(rng, 6000, 90, 45, late=0.35, again=0.12, corrected=0.1, moved=0.04, withdrawn=0.04, skew=0.02)
    labels = questions(rng, events, 600, 45)
    write_csv(out / "public" / "events.csv", events)
    write_csv(out / "public" / "labels.csv", labels)
    first = {name: column[:25] for name, column in labels.items()}
    write_csv(out / "public" / "expected.csv", {**first, **brute_force(events, first)})

    troubles = {
        "late": dict(late=0.5, skew=0.03),
        "again": dict(late=0.2, again=0.35),
        "corrected": dict(late=0.2, again=0.1, corrected=0.4),
        "moved": dict(late=0.2, moved=0.3),
        "withdrawn": dict(late=0.2, withdrawn=0.3),
        "mixed": dict(late=0.4, again=0.2, corrected=0.2, moved=0.1, withdrawn=0.1, skew=0.02),
    }
    for name, how in troubles.items():
        days = int(rng.integers(25, 50))
        events = log(rng, int(rng.integers(2500, 3500)), int(rng.integers(20, 60)), days, **how)
        save(out / "hidden" / f"{name}.npz", events, questions(rng, events, 500, days))
    events = log(rng, 220_000, 1500, 120, late=0.3, again=0.1, corrected=0.1, moved=0.03, withdrawn=0.03, hot=0.3)
    save(out / "hidden" / "large.npz", events, questions(rng, events, 30_000, 120))


def save(path, events, labels):
    np.savez(path, **{f"events_{k}": v for k, v in events.items()}, **{f"labels_{k}": v for k, v in labels.items()})


def load(path):
    with np.load(path) as z:
        pick = lambda prefix: {k[len(prefix):]: z[k] for k in z.files if k.startswith(prefix)}
        return pick("events_"), pick("labels_")
