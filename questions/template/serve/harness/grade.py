import json

import kit


def grade(job):
    with job.serve() as s:
        with job.check("ready") as chk:
            chk.expect(s.request("GET", "/ready").status == 200, "GET /ready does not answer 200")
        with job.check("right") as chk:
            load = s.load(make=lambda i: ("POST", "/predict", {"x": [i, i + 1, 0.5]}), seconds=0.5, workers=4)
            chk.expect(load.errors == 0 and load.sent > 0, f"{load.errors} of {load.sent} requests failed")
            for i, answer, _ in load.responses:
                chk.expect(answer.status == 200, f"POST /predict answered {answer.status}")
                chk.close(number(answer), i * i + (i + 1) ** 2 + 0.25, "a sum of squares", rtol=1e-9)
        with job.check("refuses") as chk:
            for body in (b"{", b"[]", b'{"x": "no"}', b'{"x": [1, null]}', b"{}"):
                status = s.request("POST", "/predict", body=body).status
                chk.expect(status == 400, f"a request that makes no sense was answered with {status}")
            chk.close(number(s.request("POST", "/predict", json={"x": [3]})), 9, "after refusals")


def number(answer):
    try:
        return json.loads(answer.body)["y"]
    except (ValueError, KeyError, TypeError):
        raise kit.Mismatch("the answer is not JSON with a number y") from None
