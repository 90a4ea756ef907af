"""Draws customers of one subscription business: generate(seed, out_dir) writes public/ and hidden/.

The business (rates, effects of cities, strength of the leaks) is drawn once, from WORLD; the seed draws customers and what happens
to them. So a model trained on public/ of one seed is judged on hidden/ of another: other people, same business, next quarter.
The true churn probability of every row is known, so the best attainable log loss is known too.
"""

import pathlib

import numpy as np

WORLD = 9
FIRST_MONTH = 6  # oldest month of the usage table
QUARTERS = (12, 15, 18, 21, 24)  # as_of months; the last one is the future
PLANS = ("basic", "team", "business")
CITIES = 560
SAMPLE = 2900  # customers in the candidate's sample
BASE = 14000  # customers of the whole business


def business():
    """What is true of the business and the same for every seed."""
    rng = np.random.default_rng([20261, WORLD])
    k = lambda v, spread=0.25: v * float(rng.uniform(1 - spread, 1 + spread))
    weight = rng.gamma(0.5, size=CITIES) + 0.08  # a few large cities and a long tail with a handful of customers each
    return dict(
        weight=weight / weight.sum(), city_effect=rng.normal(0, k(0.85), CITIES), base=float(rng.uniform(-2.3, -1.9)), drift=k(0.07, 0.9),
        trend=k(1.5), low=k(0.5), late=k(0.42), page=k(1.1), ticket=k(0.28), young=k(0.9), price=k(0.055), basic=k(0.3),
        refund=float(rng.uniform(0.5, 0.7)),
    )


def population(seed):
    """Customers, their months and their quarters."""
    b = business()
    rng = np.random.default_rng([20262, int(seed)])
    n = BASE

    # Who they are.
    city = rng.choice(CITIES, size=n, p=b["weight"])
    city_effect = b["city_effect"]
    plan = rng.choice(3, size=n, p=[0.5, 0.32, 0.18])
    seats = 1 + np.minimum(rng.geometric(np.array([0.45, 0.16, 0.06])[plan]), 90)
    price = np.array([19, 35, 59])[plan] + rng.integers(-4, 13, n)
    joined = rng.integers(-40, 22, n)

    # How they use it, month by month. Some lose interest and fade.
    months = QUARTERS[-1] + 3 - FIRST_MONTH
    level = rng.normal(np.log(14), 0.7, n)
    fade_from = np.where(rng.random(n) < 0.55, rng.integers(FIRST_MONTH, QUARTERS[-1] + 3, n), 10**6)
    fade_rate = rng.gamma(2.0, 0.09, n)
    noise = np.zeros(n)
    logins = np.zeros((n, months), dtype=int)
    for m in range(months):
        noise = 0.7 * noise + rng.normal(0, 0.22, n)
        faded = np.maximum(FIRST_MONTH + m - fade_from, 0) * fade_rate
        alive = FIRST_MONTH + m >= joined
        logins[:, m] = np.where(alive, rng.poisson(np.exp(np.minimum(level + noise - faded, 6))), 0)

    # What happens, quarter by quarter.
    rows, churn_month = [], np.full(n, 10**6)
    shift = rng.normal(0, 0.5, n)
    for q, as_of in enumerate(QUARTERS):
        active = (joined <= as_of - 3) & (churn_month > as_of)
        i = np.flatnonzero(active)
        recent = logins[i, as_of - 3 - FIRST_MONTH : as_of - FIRST_MONTH].sum(1)
        before = logins[i, max(as_of - 6 - FIRST_MONTH, 0) : as_of - 3 - FIRST_MONTH].sum(1)
        trend = np.clip(np.log((recent + 2) / (before + 2)), -2.5, 1.0)
        trend = np.where(joined[i] > as_of - 6, 0.0, trend)
        late = rng.poisson(np.exp(-1.3 + 0.6 * shift[i]))
        page = rng.poisson(0.12 + 0.35 * np.clip(-trend, 0, 1.5))
        ticket = rng.poisson(1.1, len(i))
        tenure = as_of - joined[i]
        logit = (
            b["base"] + b["drift"] * q + city_effect[city[i]] - b["trend"] * trend - b["low"] * np.log((recent + 3) / 45)
            + b["late"] * late + b["page"] * np.minimum(page, 3) + b["ticket"] * (ticket - 1.1)
            + b["young"] * np.exp(-tenure / 6.0) + b["price"] * (price[i] - np.array([19, 35, 59])[plan[i]] - 4) * (1 + (plan[i] == 0))
            + b["basic"] * (plan[i] == 0) - 0.15 * np.log(seats[i])
        )
        p = 1 / (1 + np.exp(-np.clip(logit, -8, 8)))
        gone = rng.random(len(i)) < p
        churn_month[i[gone]] = as_of + rng.integers(1, 4, gone.sum())
        rows.append(dict(i=i, as_of=np.full(len(i), as_of), late=late, page=page, ticket=ticket, tenure=tenure, p=p, y=gone.astype(int)))

    # Two columns are joined from systems that only know the present. The present of the extract is the start of month 24.
    today = QUARTERS[-1]
    left = churn_month <= today
    refund_now = np.where(left, rng.random(n) < b["refund"], rng.random(n) < 0.02).astype(int)
    desk_now = np.where(left, rng.random(n) < 0.06, rng.poisson(1.1, n)).astype(int)
    at_24 = rows[-1]
    desk_now[at_24["i"]] = at_24["ticket"]  # for the living, the present is what they will have at prediction time

    # Usage stops with the customer; nobody logs in after leaving.
    for c in np.flatnonzero(churn_month < 10**6):
        logins[c, churn_month[c] - FIRST_MONTH :] = 0

    ids = rng.permutation(np.arange(10000, 10000 + n))
    sample = np.zeros(n, dtype=bool)
    sample[rng.permutation(n)[:SAMPLE]] = True
    return dict(rng=rng, rows=rows, ids=ids, city=city, plan=plan, seats=seats, price=price, refund=refund_now, desk=desk_now,
                logins=logins, sample=sample, joined=joined)


def table(w, r, keep, labelled):
    i = r["i"][keep]
    t = {
        "customer_id": w["ids"][i],
        "as_of": r["as_of"][keep],
        "tenure": r["tenure"][keep],
        "plan": [PLANS[v] for v in w["plan"][i]],
        "city": [f"C{v:03d}" for v in w["city"][i]],
        "seats": w["seats"][i],
        "price": w["price"][i],
        "late_payments": r["late"][keep],
        "cancel_page_views": r["page"][keep],
        "open_tickets": w["desk"][i],
        "refund_issued": w["refund"][i],
    }
    if labelled:
        t["churned"] = r["y"][keep]
    return t


def concat(tables):
    return {k: np.concatenate([np.asarray(t[k]) for t in tables]) for k in tables[0]}


def usage(w, i, until):
    t = {"customer_id": w["ids"][i]}
    for m in range(FIRST_MONTH, until):
        t[f"m{m:02d}"] = w["logins"][i, m - FIRST_MONTH]
    return t


def write_csv(path, t):
    names = list(t)
    lines = [",".join(names)]
    lines += [",".join(str(v) for v in row) for row in zip(*(np.asarray(t[k]).tolist() for k in names))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def generate(seed, out_dir):
    out = pathlib.Path(out_dir)
    (out / "public").mkdir(parents=True, exist_ok=True)
    (out / "hidden").mkdir(parents=True, exist_ok=True)
    w = population(seed)
    rng = w["rng"]

    past = concat([table(w, r, w["sample"][r["i"]], True) for r in w["rows"][:-1]])
    order = rng.permutation(len(past["as_of"]))
    past = {k: v[order] for k, v in past.items()}
    write_csv(out / "public" / "snapshots.csv", past)
    known = np.flatnonzero(w["sample"] & (w["joined"] < QUARTERS[-1] - 3))
    write_csv(out / "public" / "usage.csv", usage(w, known, QUARTERS[-1]))

    last = w["rows"][-1]
    live = np.zeros(len(last["i"]), dtype=bool)
    live[rng.permutation(len(live))[:400]] = True
    live_rows = table(w, last, live, False)
    write_csv(out / "public" / "live_sample.csv", live_rows)

    rest = ~live & ~w["sample"][last["i"]]  # strangers: customers of whom no row was ever published
    hold = table(w, last, rest, False)
    i = last["i"][rest]
    write_csv(out / "hidden" / "holdout.csv", hold)
    write_csv(out / "hidden" / "usage.csv", usage(w, i, QUARTERS[-1]))
    write_csv(out / "hidden" / "usage_later.csv", usage(w, i, QUARTERS[-1] + 3))
    write_csv(out / "hidden" / "truth.csv", {"y": last["y"][rest], "p": np.round(last["p"][rest], 6)})
