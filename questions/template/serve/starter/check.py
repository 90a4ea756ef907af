"""Public check: starts the server on a free port and asks it twice."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
server = subprocess.Popen([sys.executable, "server.py"], env={**os.environ, "PORT": str(port)})
good, message = False, "not ready after 10 s"
try:
    for _ in range(100):
        try:
            good = urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2).status == 200
            message = "GET /ready answered 200"
            break
        except OSError:
            time.sleep(0.1)
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", json.dumps({"x": [1, 2]}).encode())
    try:
        print("POST /predict answered", urllib.request.urlopen(request, timeout=2).read().decode())
    except OSError as e:
        print("POST /predict answered", e)
finally:
    server.kill()
print(f"check ready {'pass' if good else 'fail'} {message}")
sys.exit(0 if good else 1)
