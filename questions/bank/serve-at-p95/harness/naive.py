"""The server that candidates start from, run beside theirs so that speed is a ratio and not a number of milliseconds.

argv: the model file. Also the place of the exact scores that answers are held against.
"""

import http.server
import json
import os
import sys

import numpy as np


class Model:
    def __init__(self, path):
        m = json.loads(open(path, encoding="utf-8").read())
        rng = np.random.default_rng(m["frozen_seed"])
        sizes = [m["inputs"]] + [m["width"]] * m["layers"]
        self.layers = [rng.standard_normal((a, b)) * np.sqrt(1.5 / a) for a, b in zip(sizes, sizes[1:])]
        self.head, self.bias, self.inputs, self.version = np.array(m["head"]), np.array(m["bias"]), m["inputs"], m["version"]

    def scores(self, x, dtype=np.float64):
        """Exact scores; in single precision, for many rows at once, off by some 2e-6."""
        x = x.astype(dtype)
        for w in self.layers:
            x = np.tanh(x @ w.astype(dtype, copy=False))
        return x @ self.head + self.bias


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"ready": True, "version": self.server.model.version})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer({"id": body["id"], "scores": self.server.model.scores(np.array(body["x"], dtype=float)).tolist()})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.HTTPServer):
    request_queue_size = 256


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.model = Model(sys.argv[1])
    server.serve_forever()
