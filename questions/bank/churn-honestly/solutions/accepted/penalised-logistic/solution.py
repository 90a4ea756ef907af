"""NumPy only: logistic regression by Newton steps, a ridge on each city (a random effect in all but name), past-only history."""

import json
import pathlib

import numpy as np

from tables import log_loss, metric, read_public

PLANS = ("basic", "team", "business")
LIST_PRICE = {"basic": 19, "team": 35, "business": 59}


def features(snapshots, usage):
    as_of = np.array(snapshots["as_of"])
    rows = {c: i for i, c in enumerate(np.array(usage["customer_id"]).tolist())}
    months = sorted(int(name[1:]) for name in usage if name != "customer_id")
    logins = np.column_stack([np.array(usage[f"m{m:02d}"], float) for m in months])
    logins = np.vstack([logins, np.zeros(len(months))])
    at = np.array([rows.get(c, len(rows)) for c in np.array(snapshots["customer_id"]).tolist()])
    age = as_of[:, None] - np.array(months)[None, :]
    recent = np.where((age >= 1) & (age <= 3), logins[at], 0).sum(1)
    before = np.where((age >= 4) & (age <= 6), logins[at], 0).sum(1)
    tenure = np.array(snapshots["tenure"], float)
    trend = np.clip(np.log((recent + 2) / (before + 2)), -2.5, 1.0) * (tenure >= 6)
    plan = np.array(snapshots["plan"])
    over = np.array(snapshots["price"], float) - np.array([LIST_PRICE.get(p, 35) for p in plan.tolist()])
    late = np.array(snapshots["late_payments"], float)
    page = np.minimum(np.array(snapshots["cancel_page_views"], float), 3)
    return np.column_stack([
        trend, np.maximum(-trend, 0) ** 2, np.log(recent + 3), late, late == 0, page, np.exp(-tenure / 6), np.exp(-tenure / 18),
        over, over * (plan == "basic"), plan == "basic", plan == "business", np.log(np.array(snapshots["seats"], float)),
    ]).astype(float)


def fit(x, city, y, ridge):
    """Newton's method on the penalised likelihood; the intercept is free, each city is pulled to zero."""
    mean, scale = x.mean(0), x.std(0) + 1e-9
    names = sorted(set(city))
    column = {c: i for i, c in enumerate(names)}
    one_hot = np.zeros((len(y), len(names)))
    one_hot[np.arange(len(y)), [column[c] for c in city]] = 1
    a = np.hstack([np.ones((len(y), 1)), (x - mean) / scale, one_hot])
    penalty = np.concatenate([[1e-6], np.full(x.shape[1], 2.0), np.full(len(names), ridge)])
    w = np.zeros(a.shape[1])
    for step in range(6):
        p = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        hessian = (a * (p * (1 - p))[:, None]).T @ a + np.diag(penalty)
        w += np.linalg.solve(hessian, a.T @ (y - p) - penalty * w)
        metric("train", step, log_loss(y, p))
    k = x.shape[1] + 1
    return {"mean": mean.tolist(), "scale": scale.tolist(), "w": w[:k].tolist(), "city": dict(zip(names, w[k:].tolist()))}


def apply(m, x, city):
    z = (x - np.array(m["mean"])) / np.array(m["scale"])
    w = np.array(m["w"])
    logit = w[0] + z @ w[1:] + np.array([m["city"].get(c, 0.0) for c in city])
    return 1 / (1 + np.exp(-logit))


def train(public_dir, artifact_dir):
    snapshots, usage, _ = read_public(public_dir)
    x, y, city = features(snapshots, usage), np.array(snapshots["churned"]), snapshots["city"]
    as_of = np.array(snapshots["as_of"])
    past = as_of < as_of.max()
    pick = lambda mask: [c for c, keep in zip(city, mask) if keep]
    best = None
    for ridge in (1.0, 2.0, 4.0):
        loss = log_loss(y[~past], apply(fit(x[past], pick(past), y[past], ridge), x[~past], pick(~past)))
        metric("backtest", ridge, loss)
        if best is None or loss < best[0]:
            best = (loss, ridge)
    m = fit(x, city, y, best[1])
    m["estimate"] = best[0]
    pathlib.Path(artifact_dir).mkdir(exist_ok=True)
    pathlib.Path(artifact_dir, "model.json").write_text(json.dumps(m))


def load():
    return json.loads(pathlib.Path("artifact", "model.json").read_text())


def predict(snapshots, usage):
    return apply(load(), features(snapshots, usage), snapshots["city"])


def estimate():
    return load()["estimate"]
