import numpy as np

import kit


def grade(job):
    f = job.candidate
    with job.check("shape") as chk:
        for rng in kit.cases(job.rng, 5):
            x = rng.normal(size=(int(rng.integers(1, 5)), int(rng.integers(2, 9))))
            p = f.call("softmax", x)
            kit.shape_dtype(p, x.shape, np.float64)
            chk.close(p.sum(1), np.ones(len(x)), "the rows do not add up to 1")
    with job.check("shift") as chk:
        for rng in kit.cases(job.rng, 20):
            x, c = rng.normal(size=(3, 7)), rng.normal(size=(3, 1)) * 30
            chk.close(f.call("softmax", x + c), right(x), "adding a constant to a row changes the result", rtol=1e-9)
    with job.check("large") as chk:
        x = job.rng.normal(size=(4, 6)) * job.constants["limit"]
        chk.close(f.call("softmax", x), right(x), "large inputs", rtol=1e-9, atol=1e-12)


def right(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
