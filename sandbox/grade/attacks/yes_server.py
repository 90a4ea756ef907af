# for: serve
# Says that all is well, whatever it is asked.
import http.server
import os


class Yes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"ok": true, "status": "ready"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    do_PUT = do_POST

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Yes).serve_forever()
