"""Properties, gradients, numerics and memory of loss_and_grads. Every number comes from the job's seed."""

import numpy as np
import reference

import kit

IGNORE = reference.IGNORE
TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 5e-3}


def grade(job):
    f = Solution(job.candidate)
    contract, value, gradient, ignored, symmetry, stable, edges = (np.random.default_rng([job.seed, k]) for k in range(7))
    with job.check("contract") as chk:
        check_contract(chk, f, contract)
    with job.check("value") as chk:
        check_value(chk, f, value)
    with job.check("gradient") as chk:
        check_gradient(chk, f, gradient)
    with job.check("ignored") as chk:
        check_ignored(chk, f, ignored)
    with job.check("symmetry") as chk:
        check_symmetry(chk, f, symmetry)
    with job.check("stable") as chk:
        check_stable(chk, f, stable)
    with job.check("edges") as chk:
        check_edges(chk, f, edges)
    with job.check("memory") as chk:
        check_memory(job, chk, f)  # last: it may cost the candidate's process its life


class Solution:
    """The candidate's function, with its answer taken apart and checked for form."""

    def __init__(self, candidate):
        self.candidate = candidate

    def __call__(self, hidden, weight, targets, timeout=10.0, **options):
        got = self.candidate.call("loss_and_grads", hidden, weight, targets, timeout=timeout, **options)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            raise kit.Mismatch("the function does not return three things: loss, d_hidden, d_weight")
        loss, dh, dw = got
        if not isinstance(loss, float):
            raise kit.Mismatch(f"the loss is {kit.compare.word(loss)}, expected a float")
        kit.shape_dtype(dh, hidden.shape, hidden.dtype, "d_hidden")
        kit.shape_dtype(dw, weight.shape, weight.dtype, "d_weight")
        return loss, dh.astype(np.float64), dw.astype(np.float64)


def case(rng, n=None, v=None, d=None, ignored=0.2, scale=1.0, dtype=np.float64):
    n, v, d = n or int(rng.integers(2, 90)), v or int(rng.integers(2, 120)), d or int(rng.integers(1, 24))
    hidden, weight = rng.normal(size=(n, d)) * scale, rng.normal(size=(v, d))
    targets = rng.integers(0, v, n)
    targets[rng.random(n) < ignored] = IGNORE
    targets[rng.integers(n)] = rng.integers(v)  # at least one counts
    return hidden.astype(dtype), weight.astype(dtype), targets


def options(rng, n):
    o = {}
    if rng.random() < 0.6:
        o["smoothing"] = float(rng.uniform(0.02, 0.4))
    if rng.random() < 0.6:
        o["z_coef"] = float(10 ** rng.uniform(-4, -1))
    if rng.random() < 0.6:
        o["token_weight"] = rng.random(n) * (rng.random(n) < 0.8) + 1e-3
    return o


def same(chk, got, want, what, tolerance):
    """Compares whole arrays: relative to the size of the right answer."""
    for name, a, b in zip(("loss", "d_hidden", "d_weight"), got, want):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        chk.expect(np.isfinite(a).all(), f"{name} is not finite {what}")
        size = np.sqrt((b**2).sum())
        error = np.sqrt(((a - b) ** 2).sum()) / size if size else np.abs(a).max(initial=0.0)
        if not np.isfinite(error):
            error = np.inf
        chk.worst = max(getattr(chk, "worst", 0.0), float(error))
        chk.expect(error <= tolerance, f"{name} is wrong {what}", staff=f"relative error {error:.3g}, allowed {tolerance:g}")


def check_contract(chk, f, rng):
    for dtype in (np.float64, np.float32):
        hidden, weight, targets = case(rng, n=9, v=7, d=5, dtype=dtype)
        first = f(hidden, weight, targets)
        second = f(hidden, weight, targets)
        for a, b in zip(first, second):
            chk.expect(np.array_equal(a, b), "the same input gives another answer the second time")
    chk.message = "a float and two arrays like their inputs"


def check_value(chk, f, rng):
    for k, r in enumerate(kit.cases(rng, 24)):
        dtype = (np.float64, np.float32)[k % 3 == 2]
        hidden, weight, targets = case(r, dtype=dtype)
        o = options(r, len(hidden))
        got, want = f(hidden, weight, targets, **o)[0], reference.loss(hidden, weight, targets, **o)
        error = abs(got - want) / abs(want)
        chk.expect(error <= TOLERANCE[np.dtype(dtype).name], f"the loss is wrong {given(o, hidden, weight)}",
                   staff=f"got {got!r}, want {want!r}")
        chk.samples = (*chk.samples, error)
    chk.message = "24 random cases"


def check_gradient(chk, f, rng):
    for k, r in enumerate(kit.cases(rng, 16)):
        hidden, weight, targets = case(r, n=int(r.integers(2, 40)), v=int(r.integers(2, 40)))
        o = options(r, len(hidden))
        got = f(hidden, weight, targets, **o)
        for name, of, d in (("d_hidden", lambda x: reference.loss(x, weight, targets, **o), got[1]),
                            ("d_weight", lambda x: reference.loss(hidden, x, targets, **o), got[2])):
            at = hidden if name == "d_hidden" else weight
            error = kit.gradient_error(of, at, d, rng=r, directions=3)
            what = f"{name} is not the derivative of the loss {given(o, hidden, weight)}"
            chk.expect(error < 1e-4, what, staff=f"relative error {error:.3g}")
        same(chk, got, reference.loss_and_grads(hidden, weight, targets, **o), given(o, hidden, weight), 1e-9)
    chk.value, chk.message = chk.worst, "16 random cases, by central differences and in full"


def check_ignored(chk, f, rng):
    for junk in (0.0, 1e30, np.inf, np.nan):
        hidden, weight, targets = case(rng, n=31, ignored=0.4)
        out = targets == IGNORE
        o = options(rng, len(hidden))
        want = reference.loss_and_grads(hidden, weight, targets, **o)
        hidden[out] = junk
        got = f(hidden, weight, targets, **o)
        what = f"when the hidden states of ignored tokens hold {junk}"
        same(chk, got, want, what, 1e-9)
        chk.expect(not got[1][out].any(), f"an ignored token gets a gradient {what}")
    hidden, weight, targets = case(rng, n=12)
    for what, o, t in (("when all tokens are ignored", {}, np.full(12, IGNORE)),
                       ("when all weights are 0", {"token_weight": np.zeros(12)}, np.abs(targets) % len(weight))):
        got = f(hidden, weight, t, **o, smoothing=0.1, z_coef=0.01)
        chk.expect(got[0] == 0 and not got[1].any() and not got[2].any(), f"loss and gradients are not 0 {what}")


def check_symmetry(chk, f, rng):
    for r in kit.cases(rng, 6):
        hidden, weight, targets = case(r, n=int(r.integers(4, 60)))
        n, v = len(hidden), len(weight)
        o = {"smoothing": float(r.uniform(0, 0.3)), "z_coef": 1e-3}
        a = r.integers(1, 4, n).astype(float)
        loss, dh, dw = f(hidden, weight, targets, token_weight=a, **o)
        chk.expect(loss != 0 and dh.any() and dw.any(), "there is no gradient at all")
        p = r.permutation(n)
        same(chk, f(hidden[p], weight, targets[p], token_weight=a[p], **o), (loss, dh[p], dw), "after reordering the tokens", 1e-9)
        p = r.permutation(v)
        renamed = np.where(targets == IGNORE, IGNORE, np.argsort(p)[np.maximum(targets, 0)])
        same(chk, f(hidden, weight[p], renamed, token_weight=a, **o), (loss, dh, dw[p]), "after renaming the words", 1e-9)
        rows = np.repeat(np.arange(n), a.astype(int))
        l2, dh2, dw2 = f(hidden[rows], weight, targets[rows], **o)
        back = np.zeros_like(dh)
        np.add.at(back, rows, dh2)
        same(chk, (l2, back, dw2), (loss, dh, dw), "when a token of weight k is written k times", 1e-9)
        same(chk, f(hidden, weight, targets, token_weight=a * 8, **o), (loss, dh, dw), "after multiplying all weights by 8", 1e-9)


def check_stable(chk, f, rng):
    for dtype, scale in ((np.float64, 3000.0), (np.float32, 3000.0), (np.float32, 300.0)):
        hidden, weight, targets = case(rng, n=25, v=60, d=12, scale=scale, dtype=dtype)
        o = {"smoothing": 0.1}
        want = reference.loss_and_grads(hidden, weight, targets, **o)
        what = f"for logits up to {largest(hidden, weight):.0f} in {np.dtype(dtype).name}"
        same(chk, f(hidden, weight, targets, **o), want, what, TOLERANCE[np.dtype(dtype).name])
    for scale in (1.0, 6.0):  # the larger one has partial sums beyond 65,504 though every input fits into float16
        hidden, weight, targets = case(rng, n=25, v=60, d=48, scale=scale, dtype=np.float16)
        if scale > 1:
            hidden *= np.float16(40)
            weight *= np.float16(40)
        want = reference.loss_and_grads(hidden, weight, targets)
        same(chk, f(hidden, weight, targets), want, f"in float16 with logits up to {largest(hidden, weight):.0f}", TOLERANCE["float16"])
    hidden, weight, targets = case(rng, n=3000, v=11, d=6, dtype=np.float32)
    same(chk, f(hidden, weight, targets), reference.loss_and_grads(hidden, weight, targets), "for 3,000 tokens in float32", 1e-5)


def largest(hidden, weight):
    return np.abs(hidden.astype(float) @ weight.T.astype(float)).max()


def check_edges(chk, f, rng):
    for n, v, d in ((1, 1, 1), (1, 7, 3), (5, 1, 2), (2, 2, 1), (257, 3, 2), (3, 1031, 4)):
        hidden, weight, targets = case(rng, n=n, v=v, d=d, ignored=0.0)
        o = {"smoothing": 0.1, "z_coef": 0.01}
        want = reference.loss_and_grads(hidden, weight, targets, **o)
        same(chk, f(hidden, weight, targets, **o), want, f"for {n} tokens and {v} words", 1e-9)
    got = f(np.zeros((0, 4)), rng.normal(size=(6, 4)), np.zeros(0, np.int64))
    chk.expect(got[0] == 0 and not got[2].any(), "loss and gradients are not 0 for no tokens at all")


def check_memory(job, chk, f):
    k = job.constants
    rng = np.random.default_rng([job.seed, 99])
    hidden, weight, targets = case(rng, n=k["tokens"], v=k["vocab"], d=k["width"], ignored=0.1, scale=0.3, dtype=np.float32)
    o = {"smoothing": 0.1, "z_coef": 1e-4}
    loss, dh, dw = f(hidden, weight, targets, timeout=90.0, **o)  # what bounds it is the CPU time of the whole grading
    seconds = job.candidate.seconds
    rows = rng.choice(np.flatnonzero(targets != IGNORE), 24, replace=False)
    words = np.concatenate([targets[rows[:8]], rng.choice(len(weight), 8)])
    want = reference.sample(hidden, weight, targets, rows, words, **o)
    same(chk, (loss, dh[rows], dw[words]), want, "for a whole batch", 1e-4)
    chk.expect(np.isfinite(dh).all() and np.isfinite(dw).all(), "a gradient is not finite for a whole batch")
    chk.value, chk.unit, chk.message = seconds, "s", f"the whole batch took {seconds:.1f} s"


def given(options, hidden, weight):
    """Says which case it was, in words that help and give no numbers away."""
    named = " and ".join(sorted(options)) or "no options"
    return f"with {named}, {len(hidden)} tokens, {len(weight)} words, {hidden.dtype}"
