"""Dies before it listens: the model file is not where it looks."""

import http.server
import json
import os

import numpy as np

from model import Ranker

ranker = Ranker("model.json")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"ready": True, "version": ranker.version})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scores = ranker(np.array(body["x"], dtype=float))
        self.answer(200, {"id": body["id"], "scores": scores.tolist()})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.HTTPServer):
    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ.get("PORT", 8000))), Handler).serve_forever()
