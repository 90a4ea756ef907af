"""FastAPI under uvicorn, a queue, and a task that computes whatever is waiting. Body limit and number checks before the queue."""

import asyncio
import contextlib
import json
import math
import os

import fastapi
import numpy as np
import uvicorn
from fastapi.responses import JSONResponse

from model import Ranker

MAX_BODY, MAX_BATCH = 64 * 1024, 64

ranker = Ranker()
layers = [w.astype(np.float32) for w in ranker.layers]
waiting = asyncio.Queue()


async def compute():
    while True:
        batch = [await waiting.get()]
        await asyncio.sleep(0)
        while len(batch) < MAX_BATCH and not waiting.empty():
            batch.append(waiting.get_nowait())
        x = np.array([row for row, _ in batch], np.float32)
        for w in layers:
            x = np.tanh(x @ w)
        for (_, answer), scores in zip(batch, (x @ ranker.head + ranker.bias).tolist()):
            if not answer.done():
                answer.set_result(scores)


@contextlib.asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(compute())
    yield
    task.cancel()


app = fastapi.FastAPI(lifespan=lifespan, docs_url=None, openapi_url=None)


@app.get("/health")
async def health():
    return {"ready": True, "version": ranker.version}


@app.post("/predict")
async def predict(request: fastapi.Request):
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_BODY:
        return JSONResponse({"error": f"Content-Length up to {MAX_BODY}, please"}, 413, headers={"Connection": "close"})
    try:
        value = json.loads(await request.body())
        name, x = value["id"], value["x"]
        if len(x) != ranker.inputs or not all(type(v) in (int, float) and math.isfinite(v) and abs(v) < 1e30 for v in x):
            raise ValueError("x must be a list of finite numbers of the right length")
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        return JSONResponse({"error": str(problem)[:200]}, 422)
    answer = asyncio.get_running_loop().create_future()
    waiting.put_nowait((x, answer))
    return JSONResponse({"id": name, "scores": await answer})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", 8000)), log_level="warning", access_log=False, backlog=512)
