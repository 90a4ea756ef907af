import numpy as np

import kit


def grade(job):
    f, rng = job.candidate, job.rng
    x = rng.normal(3, 2, size=(200, 5))
    with job.check("keeps") as chk:
        state = f.call("fit", x)
        kit.record(state, ["mean", "std"], "what fit returns")
        out = f.call("transform", state, x)
        chk.close(out, (x - x.mean(0)) / x.std(0), "the training rows", rtol=1e-6, atol=1e-9)
    with job.check("constant") as chk:
        y = x.copy()
        y[:, 2] = 7.0
        out = kit.array(f.call("transform", f.call("fit", y), y), y.shape)
        chk.expect(np.isfinite(out).all(), "a constant column gives values that are not finite")
        chk.close(out[:, 2], np.zeros(len(y)), "a constant column", atol=1e-6)
    with job.check("batch") as chk:
        state = f.call("fit", x)
        some = f.call("transform", state, x[:3])
        chk.close(some, ((x - x.mean(0)) / x.std(0))[:3], "three rows alone differ from the same rows among others", rtol=1e-6, atol=1e-9)
