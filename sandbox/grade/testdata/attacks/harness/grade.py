"""A small hidden harness with secrets to steal. The canary strings must never leave the judge's container."""
import numpy as np

SECRET = "canary-harness-8c1f"


def reference(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def grade(job):
    c = job.candidate
    rng = np.random.default_rng(job.seed)
    secret = (job.hidden / "truth.txt").read_text()
    assert "canary-hidden" in secret

    with job.check("values") as chk:
        for _ in range(20):
            x = rng.normal(size=(int(rng.integers(2, 6)), 5)) * 3
            want = reference(x)
            y = c.call("softmax", x, timeout=5.0)
            chk.expect(isinstance(y, np.ndarray) and y.shape == want.shape, "softmax gives another shape")
            chk.expect(y.dtype == np.float64, "softmax gives another dtype")
            chk.expect(np.allclose(y, want, atol=1e-9), "softmax gives other values", staff="seed %s" % job.seed)

    with job.check("stable") as chk:
        x = rng.normal(size=(3, 4)) * 1e4
        y = c.call("softmax", x, timeout=5.0)
        chk.expect(isinstance(y, np.ndarray) and np.allclose(y, reference(x), atol=1e-9), "large inputs break softmax")

    with job.check("mean") as chk:
        m = c.new("Mean")
        total = 0.0
        for i in range(1, 6):
            v = float(rng.normal())
            total += v
            got = m.add(v)
            chk.expect(type(got) is float and abs(got - total / i) < 1e-9, "the mean is wrong")
