"""One test for each planted fault, each independent of the others; what must go on working; accuracy on unseen signs."""

import numpy as np

import kit

CONFIG = dict(epochs=8, batch=32, learning_rate=0.05, momentum=0.9, halve_every=3)
CONVOLUTIONS = {"conv1.weight": (10, 1, 3, 3), "conv1.bias": (10,), "conv2.weight": (20, 10, 3, 3), "conv2.bias": (20,)}
SHAPES = {**CONVOLUTIONS, "head.weight": (6, 180), "head.bias": (6,)}
ENTRIES = ("lr", "train_loss", "valid_loss", "valid_accuracy")
LEFT, RIGHT, UP, DOWN, CROSS, RING = range(6)
SIDE = 14


def grade(job):
    f, rng = job.candidate, job.rng
    f.timeout = 60.0
    train, valid = read(job.public / "signs.txt")
    with job.check("kept") as chk:
        check_kept(chk, f, train, rng)
    with job.check("pairs") as chk:
        check_pairs(chk, f, rng)
    with job.check("gradient") as chk:
        check_gradient(chk, f, train, rng)
    with job.check("schedule") as chk:
        check_schedule(chk, f, train)
    with job.check("mirror") as chk:
        check_mirror(chk, f, rng)
    with job.check("logits") as chk:
        check_logits(chk, f, train, rng)
    with job.check("same-answer") as chk:
        check_same_answer(chk, f, train)
    with job.check("inputs") as chk:
        check_inputs(chk, f, train)
    with job.check("best-weights") as chk:
        check_best_weights(chk, f, train)
    check_accuracy(job, f, train, valid)


def read(path):
    parts = {"train": ([], []), "valid": ([], [])}
    for line in path.read_text().splitlines():
        part, label, pixels = line.split()
        parts[part][0].append(np.frombuffer(pixels.encode(), np.uint8))
        parts[part][1].append(int(label))
    hexa = np.zeros(256, np.float32)
    hexa[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16) / np.float32(15)
    return [(hexa[np.array(x)].reshape(-1, SIDE, SIDE), np.array(y)) for x, y in parts.values()]


def weights(run):
    got = kit.record(run.parameters(), SHAPES, "the weights")
    if set(got) != set(SHAPES):
        raise kit.Mismatch("the weights have other names than before")
    return {k: kit.array(v, SHAPES[k], k) for k, v in got.items()}


def fit(run, train, valid, epochs):
    """Trains and returns the history, one number for each epoch under each name."""
    history = kit.record(run.fit(*train, *valid, epochs), ENTRIES, "the history")
    if set(history) != set(ENTRIES):
        raise kit.Mismatch("the history has other entries than before")
    return {k: kit.numbers(v, epochs, f"{k} in the history") for k, v in history.items()}


def augment(f, images, labels, seed):
    x, y = f.call("augment", images, labels, seed)
    return kit.array(x, images.shape, "augmented images"), kit.array(y, labels.shape, "augmented labels")


def check_kept(chk, f, train, rng):
    chk.expect(f.call("config") == CONFIG, "CONFIG has changed; a longer or other training is not a repair")
    few = train[0][:96], train[1][:96]
    ends = []
    for _ in range(2):
        run = f.new("Run", 11)
        fit(run, few, few, 2)
        ends.append(weights(run))
    chk.expect(all((ends[0][k] == ends[1][k]).all() for k in SHAPES), "two runs of one seed end with different weights")
    # Augmentation moves and mirrors; dropout is on in training, also after an evaluation.
    signs = place(np.full(60, UP), rng)
    x, _ = augment(f, signs, np.full(60, UP), 5)
    chk.expect((np.abs(x - signs).max((1, 2)) > 0.1).mean() > 0.5, "augmentation does not change the images any more")
    lopsided = np.zeros((60, SIDE, SIDE), np.float32)
    lopsided[:, 3:11, 2:6] = 1
    x, _ = augment(f, lopsided, np.full(60, CROSS), 6)
    share = (x[:, :, 7:].sum((1, 2)) > x[:, :, :7].sum((1, 2))).mean()
    chk.expect(0.2 < share < 0.8, "augmentation does not mirror about half of the images any more")
    run = f.new("Run", 12)
    start = weights(run)
    run.evaluate(*few)
    losses = []
    for seed in (1, 2):
        run.load(start)
        losses.append(run.step(*few, seed))
    chk.expect(losses[0] != losses[1], "dropout is not on in training")


def check_pairs(chk, f, rng):
    n, size = 75, 16
    images = np.zeros((n, SIDE, SIDE), np.float32)
    images[:, 0, 0] = np.arange(n) / 100
    labels = rng.permutation(n)
    got = f.call("batches", images, labels, size, int(rng.integers(1000)))
    seen = []
    for x, y in got:
        x = kit.array(x, (None, SIDE, SIDE), "a batch's images")
        y = kit.array(y, (len(x),), "a batch's labels")
        rows = np.clip(np.rint(np.nan_to_num(x[:, 0, 0]) * 100), 0, n - 1).astype(int)
        chk.expect((labels[rows] == y).all(), "an image is given another image's label")
        seen += rows.tolist()
    chk.expect(sorted(seen) == list(range(n)), "an epoch does not go once through all images")
    chk.expect(seen != sorted(seen), "the order of the images is not random")


def check_gradient(chk, f, train, rng):
    rows = rng.choice(len(train[0]), 32, replace=False)
    x, y = train[0][rows], train[1][rows]
    run = f.new("Run", 4)
    start = weights(run)
    run.step(x, y, 9)
    first = weights(run)
    run.load(start)
    run.step(x, y, 9)
    second = weights(run)
    # The same gradient g twice, by SGD with momentum 0.9: the first step goes g, the second 0.9 g + g.
    a = np.concatenate([(first[k] - start[k]).ravel() for k in SHAPES])
    b = np.concatenate([(second[k] - start[k]).ravel() for k in SHAPES])
    chk.expect(np.isfinite(a).all() and np.isfinite(b).all() and a.any(), "a step does not move the weights to finite values")
    ratio = float(a @ b / (a @ a))
    chk.value, chk.reference = ratio, 1 + CONFIG["momentum"]
    message = "a second step on the same batch is not made of that batch's gradient alone"
    chk.expect(abs(ratio - 1.9) < 0.02, message, staff=f"ratio {ratio:.3f}, expected 1.9")


def check_schedule(chk, f, train):
    few = train[0][:70], train[1][:70]
    history = fit(f.new("Run", 5), few, few, 8)
    want = [0.05 * 0.5 ** (e // 3) for e in range(8)]
    chk.close(history["lr"], want, "the learning rates of eight epochs", rtol=1e-6)


def glyphs():
    left = np.zeros((9, 9))
    for k in range(5):
        left[4 - k, k] = left[4 + k, k] = 1
    left[4, :] = 1
    y, x = np.mgrid[-4:5, -4:5]
    return np.stack([left, left[:, ::-1], left.T, left.T[::-1], 1.0 * (abs(x) == abs(y)), 1.0 * (abs(np.hypot(x, y) - 3.5) < 0.7)])


def place(labels, rng):
    """Clean signs, at least one pixel away from the border."""
    images, signs = np.zeros((len(labels), SIDE, SIDE), np.float32), glyphs()
    for i, label in enumerate(labels):
        y, x = rng.integers(1, SIDE - 9, 2)
        images[i, y : y + 9, x : x + 9] = signs[label]
    return images


def recognise(image):
    """The class whose clean sign overlaps best, wherever it lies."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (9, 9)).reshape(-1, 81)
    signs = glyphs().reshape(6, 81)
    fit = windows @ signs.T - 0.5 * (signs**2).sum(1)
    return int(fit.max(0).argmax())


def check_mirror(chk, f, rng):
    labels = np.repeat(np.arange(6), 20)
    images = place(labels, rng)
    x, y = augment(f, images, labels, int(rng.integers(1000)))
    mirrored = np.array([RIGHT, LEFT, UP, DOWN, CROSS, RING])[labels]
    wrong = int(((np.array([recognise(v) for v in x]) != y) | (y != labels) & (y != mirrored)).sum())
    chk.expect(np.isfinite(x).all(), "augmented images are not finite")
    chk.value, chk.unit = wrong, "wrong labels"
    chk.expect(wrong == 0, f"{wrong} of {len(labels)} augmented images do not show what their label says")


def check_logits(chk, f, train, rng):
    # With no weights in the head the answer is the softmax of its bias, whatever the image and whatever dropout does.
    run = f.new("Run", 6)
    state = weights(run)
    bias = rng.normal(size=6) * 3
    run.load({**state, "head.weight": np.zeros(SHAPES["head.weight"]), "head.bias": bias})
    want = np.exp(bias - bias.max())
    message = "the probabilities are not the softmax of the head's output"
    chk.close(run.probabilities(train[0][:3]), np.tile(want / want.sum(), (3, 1)), message, rtol=1e-3, atol=1e-5)


def check_same_answer(chk, f, train):
    run = f.new("Run", 7)
    few = train[0][:40]
    a, b = (kit.array(run.probabilities(few), (len(few), 6), "the probabilities") for _ in range(2))
    chk.expect(np.isfinite(a).all(), "the probabilities are not finite")
    chk.close(a, b, "the same images, asked twice", rtol=1e-6, atol=1e-7)


def check_inputs(chk, f, train):
    few = train[0][:12]
    feed = lambda images, training: kit.array(f.call("inputs", images, training), images.shape, "what the model is fed")
    alone = np.concatenate([feed(few[i : i + 1], False) for i in range(3)])
    company, training = feed(few, False), feed(few, True)
    chk.close(alone, company[:3], "an image alone is fed otherwise than in company", rtol=1e-4, atol=1e-5)
    chk.close(training, company, "an image is fed otherwise in training than in evaluation", rtol=1e-4, atol=1e-5)
    chk.expect(company.std() > 0.2, "the images do not reach the model")


def check_best_weights(chk, f, train):
    run = f.new("Run", 8)
    few = train[0][:32], train[1][:32]
    before = weights(run)
    run.remember()
    for seed in range(3):
        run.step(*few, seed)
    chk.expect(any((weights(run)[k] != before[k]).any() for k in SHAPES), "steps do not change the weights")
    run.restore()
    after = weights(run)
    chk.expect(all((after[k] == before[k]).all() for k in SHAPES), "restored weights are not the remembered ones")


def check_accuracy(job, f, train, valid):
    hidden = np.load(job.hidden / "signs.npz")
    seeds = [int(s) for s in job.rng.integers(0, 10_000, 3)]
    shares = []
    try:
        for seed in seeds:
            run = f.new("Run", seed)
            history = fit(run, train, valid, CONFIG["epochs"])
            p = kit.array(run.probabilities(hidden["images"]), (len(hidden["labels"]), 6), "the probabilities")
            shares.append(float((p.argmax(1) == hidden["labels"]).mean()))
            job.note(f"seed {seed}: accuracy {shares[-1]:.3f}")
    except kit.Mismatch as e:
        job.metric("accuracy", 0.0, message=str(e))
        return
    except kit.CandidateError as e:
        with job.check("accuracy"):
            raise e
        return
    loss = history["valid_loss"]
    job.series("valid_loss", range(len(loss)), loss, "nats")
    job.metric("accuracy", float(np.median(shares)), samples=shares, reference=0.97,
               message=f"{np.median(shares):.3f} on signs of another day; chance is 0.167")
