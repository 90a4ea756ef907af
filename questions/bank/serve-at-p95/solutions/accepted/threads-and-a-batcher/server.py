"""The standard library's threading server with kept connections; handler threads hand rows to one thread that computes batches."""

import http.server
import json
import math
import os
import queue
import threading

import numpy as np

from model import Ranker

MAX_BODY, MAX_BATCH = 64 * 1024, 48

ranker = Ranker()
layers = [w.astype(np.float32) for w in ranker.layers]
waiting = queue.SimpleQueue()


def compute():
    while True:
        batch = [waiting.get()]
        while len(batch) < MAX_BATCH:
            try:
                batch.append(waiting.get_nowait())
            except queue.Empty:
                break
        x = np.array([row for row, _, _ in batch], np.float32)
        for w in layers:
            x = np.tanh(x @ w)
        scores = (x @ ranker.head + ranker.bias).tolist()
        for (_, box, done), s in zip(batch, scores):
            box.append(s)
            done.release()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"ready": True, "version": ranker.version})
        else:
            self.answer(404, {"error": "no such path"})

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return self.answer(413 if length.isdigit() else 411, {"error": f"Content-Length up to {MAX_BODY}, please"})
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        if self.path != "/predict":
            return self.answer(404, {"error": "no such path"})
        try:
            value = json.loads(body)
            name, x = value["id"], value["x"]
            if len(x) != ranker.inputs or not all(type(v) in (int, float) and math.isfinite(v) and abs(v) < 1e30 for v in x):
                raise ValueError("x must be a list of finite numbers of the right length")
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            return self.answer(400, {"error": str(problem)[:200]})
        box, done = [], threading.Lock()
        done.acquire()
        waiting.put((x, box, done))
        done.acquire()
        return self.answer(200, {"id": name, "scores": box[0]})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        close = "Connection: close\r\n" if self.close_connection else ""
        self.wfile.write(f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{close}\r\n".encode() + body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # clients that go away in the middle are no news


if __name__ == "__main__":
    threading.Thread(target=compute, daemon=True).start()
    Server(("127.0.0.1", int(os.environ.get("PORT", 8000))), Handler).serve_forever()
