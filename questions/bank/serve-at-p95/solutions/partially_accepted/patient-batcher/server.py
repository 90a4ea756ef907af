"""Waits a quarter of a second for a full batch: fine in a crowd, terrible for one client alone."""

import asyncio
import json
import math
import os

import numpy as np

from model import Ranker

MAX_BODY, MAX_HEAD, MAX_BATCH = 64 * 1024, 16 * 1024, 64
PATIENCE = 10.0  # seconds for a client to finish what it began to send
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required",
           413: "Content Too Large", 422: "Unprocessable Content", 500: "Internal Server Error"}

ranker = Ranker()
layers = [w.astype(np.float32) for w in ranker.layers]
head, bias = ranker.head.astype(np.float32), ranker.bias.astype(np.float32)


def forward(x):
    for w in layers:
        x = np.tanh(x @ w)
    return x @ head + bias


class Refused(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status, self.why = status, why


class Batcher:
    def __init__(self):
        self.waiting, self.wake = [], asyncio.Event()

    def put(self, row):
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append((row, answer))
        self.wake.set()
        return answer

    async def run(self):
        while True:
            await self.wake.wait()
            for _ in range(50):
                if len(self.waiting) >= 12:
                    break
                await asyncio.sleep(0.005)
            batch, self.waiting = self.waiting[:MAX_BATCH], self.waiting[MAX_BATCH:]
            if not self.waiting:
                self.wake.clear()
            try:
                scores = forward(np.array([row for row, _ in batch], np.float32)).tolist()
                for (_, answer), s in zip(batch, scores):
                    if not answer.done():
                        answer.set_result(s)
            except Exception as problem:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(problem)
            await asyncio.sleep(0)


def parse(body):
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON")
    if not isinstance(value, dict) or "id" not in value or not isinstance(value["id"], (str, int)):
        raise Refused(422, "expected an object with id and x")
    x = value.get("x")
    if not isinstance(x, list) or len(x) != ranker.inputs:
        raise Refused(422, f"x must be a list of {ranker.inputs} numbers")
    for v in x:
        if type(v) not in (int, float) or not math.isfinite(v) or abs(v) > 1e30:
            raise Refused(422, "x must hold finite numbers only")
    return value["id"], x


async def read_request(reader):
    """Method, path, body and whether to keep the connection; None when the client has gone."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise Refused(413, "the head is too long")
    lines = raw.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3:
        raise Refused(400, "not HTTP")
    fields = {}
    for line in lines[1:-2]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    keep = parts[2] == "HTTP/1.1" and fields.get("connection", "").lower() != "close"
    if "transfer-encoding" in fields:
        raise Refused(411, "send a Content-Length")
    length = fields.get("content-length", "0")
    if not length.isdigit():
        raise Refused(400, "bad Content-Length")
    if int(length) > MAX_BODY:
        raise Refused(413, f"at most {MAX_BODY} bytes")
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    return parts[0], parts[1], body, keep


async def handle(batcher, method, path, body):
    if path == "/health":
        return (200, {"ready": True, "version": ranker.version}) if method == "GET" else (405, {"error": "GET only"})
    if path != "/predict":
        return 404, {"error": "no such path"}
    if method != "POST":
        return 405, {"error": "POST only"}
    name, row = parse(body)
    return 200, {"id": name, "scores": await batcher.put(row)}


def send(writer, status, value, keep):
    body = json.dumps(value).encode()
    writer.write(
        f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n".encode() + body
    )


async def serve(batcher, reader, writer):
    keep = True
    try:
        while keep:
            try:
                request = await asyncio.wait_for(read_request(reader), PATIENCE)
                if request is None:
                    break
                method, path, body, keep = request
                status, value = await handle(batcher, method, path, body)
            except Refused as refused:
                keep = keep and refused.status == 422
                status, value = refused.status, {"error": refused.why}
            send(writer, status, value, keep)
            await writer.drain()
    except (ConnectionError, asyncio.TimeoutError):
        pass
    finally:
        writer.close()


async def main():
    batcher = Batcher()
    task = asyncio.create_task(batcher.run())
    forward(np.zeros((4, ranker.inputs), np.float32))
    server = await asyncio.start_server(lambda r, w: serve(batcher, r, w), "127.0.0.1", int(os.environ.get("PORT", 8000)), limit=MAX_HEAD, backlog=512)
    await asyncio.gather(server.serve_forever(), task)


if __name__ == "__main__":
    asyncio.run(main())
