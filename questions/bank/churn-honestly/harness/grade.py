"""Churn, honestly: trained on the past, judged on strangers in the quarter that follows, with columns as they are on the day."""

import math

import numpy as np

CLIP = 5e-4
LATER = ("live-columns", "later-usage", "estimate", "calibration", "robust")


def grade(job):
    rate = float(np.mean(read_csv(job.public / "snapshots.csv")["churned"]))
    world = [Holdout(folder, rate) for folder in job.hiddens]
    answers = []
    with job.check("contract") as chk:
        trained(job.train_result, chk)
        for h in world:
            answers.append(probabilities(job, h.snapshots, h.usage, chk))
    curves(job)
    if len(answers) < len(world):
        for name in ("beats-constant", "skill") + LATER + ("cost",):
            job.skip(name, "Not tried: the predictions are missing.")
        return

    skills = [h.skill(p) for h, p in zip(world, answers)]
    skill = float(np.mean(skills))
    losses = [h.loss(p) for h, p in zip(world, answers)]
    loss, constant, best = (float(np.mean(v)) for v in (losses, [h.constant for h in world], [h.floor for h in world]))
    if min(losses) < best - 0.02:
        job.note(f"Log loss {min(losses):.4f} is below the floor {best:.4f}: no honest model can do that.")
    with job.check("beats-constant") as chk:
        chk.value, chk.reference = loss, constant
        if skill < float(job.constants["least_skill"]):
            chk.fail(f"Log loss {loss:.4f} on next quarter; promising everybody the average rate gives {constant:.4f}.", staff=f"skill {skill:.3f}")
        chk.message = f"Log loss {loss:.4f} on next quarter; the constant forecast gives {constant:.4f}."
    job.metric("skill", skill, samples=skills, message=f"{100 * skill:.0f} % of the log loss that can be gained over the constant forecast.",
               staff=f"loss {loss:.4f}, constant {constant:.4f}, floor {best:.4f}")

    h, p = world[0], answers[0]
    with job.check("live-columns") as chk:
        changed = dict(h.snapshots)
        changed["refund_issued"] = 1 - h.snapshots["refund_issued"]
        changed["open_tickets"] = job.rng.poisson(3.0, len(p))
        moved = largest(p, probabilities(job, changed, h.usage, chk))
        chk.value = moved
        chk.expect(moved < 1e-6, f"A probability moved by {moved:.3f} when only columns changed that are overwritten after the fact.")
    with job.check("later-usage") as chk:
        moved = largest(p, probabilities(job, h.snapshots, later(h, job.rng), chk))
        chk.value = moved
        chk.expect(moved < 1e-6, f"A probability moved by {moved:.3f} when months from as_of on were added to the usage table.")
    with job.check("estimate") as chk:
        promised = job.candidate.call("estimate", timeout=30)
        chk.expect(isinstance(promised, (int, float)) and math.isfinite(promised), "estimate() must return a finite number.")
        chk.value, chk.reference = abs(promised - loss), 0.0
        chk.message = f"You promised {promised:.4f}; next quarter came to {loss:.4f}."
    with job.check("calibration") as chk:
        y, p_all = np.concatenate([h.y for h in world]), np.concatenate(answers)
        gap, slope = float(p_all.mean() - y.mean()), logistic_slope(y, p_all)
        chk.value = gap
        chk.message = f"Mean prediction minus rate: {gap:+.3f}; calibration slope {slope:.2f}."
        chk.expect(abs(gap) <= 0.035 and 0.7 <= slope <= 1.4, chk.message)
    with job.check("robust") as chk:
        robust(job, h, p, chk)
    cpu = job.train_result.cpu_s
    job.metric("cost", cpu, message=f"Training took {cpu:.1f} CPU seconds.")
    reliability_curve(job, y, p_all)


def trained(run, chk):
    if run is not None and not run.ok:
        chk.fail("train() did not finish: " + ("out of time." if run.timed_out else "out of memory." if run.oom else f"exit status {run.exit}."))


def probabilities(job, snapshots, usage, chk):
    """The candidate's answer as a clean array; anything else fails the check."""
    n = len(snapshots["city"])
    p = job.candidate.call("predict", snapshots, usage, timeout=45)
    try:
        p = np.asarray(p, dtype=float)
    except (TypeError, ValueError):
        chk.fail("predict must return numbers.")
    chk.expect(p.shape == (n,), f"predict returned shape {p.shape} for {n} snapshots.")
    chk.expect(bool(np.isfinite(p).all()), "predict returned a value that is not finite.")
    chk.expect(bool((p >= 0).all() and (p <= 1).all()), "predict returned a value outside 0 to 1.")
    return p


def robust(job, h, p, chk):
    """An unknown city, a customer without usage, and a row that must not care about its neighbours."""
    i = int(job.rng.integers(len(p)))
    alone = probabilities(job, {k: v[i : i + 1] for k, v in h.snapshots.items()}, h.usage, chk)
    chk.expect(abs(alone[0] - p[i]) < 1e-6, f"A row alone gets {alone[0]:.4f}; in company it got {p[i]:.4f}.")
    few = {k: v[:50] for k, v in h.snapshots.items()}
    few["city"] = ["C999"] * 50
    few["customer_id"] = few["customer_id"] + 10**6
    strange = probabilities(job, few, h.usage, chk)
    chk.expect(0.02 < strange.mean() < 0.8, f"Fifty customers of an unknown city and without usage get {strange.mean():.3f} on average.")


def later(h, rng):
    """The usage table as a careless query would return it: three months further, and not even with what happened."""
    table = dict(h.usage_later)
    for name in table:
        if name not in h.usage:
            table[name] = rng.integers(0, 60, len(table[name]))
    return table


def largest(a, b):
    return float(np.max(np.abs(a - b)))


def log_loss(y, p):
    p = np.clip(p, CLIP, 1 - CLIP)
    return float(-np.mean(np.where(y == 1, np.log(p), np.log(1 - p))))


def logistic_slope(y, p):
    """Slope of a logistic regression of the outcome on the predicted logit: 1 is calibrated, below 1 is over-confident."""
    p = np.clip(p, CLIP, 1 - CLIP)
    a = np.column_stack([np.ones(len(p)), np.log(p / (1 - p))])
    if a[:, 1].std() < 1e-6:
        return 0.0
    w = np.array([0.0, 1.0])
    for _ in range(25):
        q = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        w = w + np.linalg.solve((a * (q * (1 - q))[:, None]).T @ a + 1e-6 * np.eye(2), a.T @ (y - q))
    return float(w[1])


def reliability_curve(job, y, p):
    groups = np.array_split(np.argsort(p, kind="stable"), 10)
    job.series("reliability (tenths)", [float(p[g].mean()) for g in groups], [float(y[g].mean()) for g in groups], unit="rate")


def curves(job):
    """What training printed, kept for the page. A claim, not a measurement."""
    for name, points in list((job.train_result.series if job.train_result else {}).items())[:8]:
        job.series(f"train: {name}", [x for x, _ in points], [y for _, y in points], unit="nats")


class Holdout:
    """Next quarter of customers of whom no row was published."""

    def __init__(self, folder, rate):
        self.snapshots = read_csv(folder / "holdout.csv")
        self.usage = read_csv(folder / "usage.csv")
        self.usage_later = read_csv(folder / "usage_later.csv")
        truth = read_csv(folder / "truth.csv")
        self.y = np.asarray(truth["y"])
        self.constant = log_loss(self.y, np.full(len(self.y), rate))
        self.floor = log_loss(self.y, np.array([float(v) for v in truth["p"]]))

    def loss(self, p):
        return log_loss(self.y, p)

    def skill(self, p):
        return (self.constant - self.loss(p)) / (self.constant - self.floor)


def read_csv(path):
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    out = {}
    for name, column in zip(rows[0], zip(*rows[1:])):
        whole = all(v.lstrip("-").isdigit() for v in column)
        out[name] = np.array(column, dtype=np.int64) if whole else list(column)
    return out
