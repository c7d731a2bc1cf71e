"""A stand-in for an S3-compatible object storage, in this process: what the portal asks of one, and nothing else."""

import contextlib
import datetime
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

NAME, KEY, SECRET = "files", "portal", "se/cret"


class Answers(BaseHTTPRequestHandler):
    """Keeps objects as name → (bytes, when); answers 503 while it is `away`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        signed = f"Credential={KEY}/" in self.headers.get("Authorization", "")
        if self.server.away or not signed:
            return self.answer(503 if signed else 403)
        address = urlsplit(self.path)
        _, bucket, *rest = unquote(address.path).split("/", 2)
        assert bucket == NAME
        return getattr(self, f"on_{self.command}")("".join(rest), body, parse_qs(address.query))

    do_GET = do_PUT = do_DELETE = handle_any

    def on_PUT(self, name, body, query):
        if hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            return self.answer(400)
        self.server.objects[name] = body, datetime.datetime.now(datetime.UTC)
        return self.answer(200)

    def on_GET(self, name, body, query):
        if not name:
            return self.answer(200, self.listed(query["prefix"][0]).encode())
        return self.answer(200, self.server.objects[name][0]) if name in self.server.objects else self.answer(404)

    def on_DELETE(self, name, body, query):
        self.server.objects.pop(name, None)
        return self.answer(204)

    def listed(self, prefix: str) -> str:
        found = {name: each for name, each in self.server.objects.items() if name.startswith(prefix)}
        rows = [
            f"<Contents><Key>{name}</Key><LastModified>{at:%Y-%m-%dT%H:%M:%SZ}</LastModified></Contents>"
            for name, (_, at) in found.items()
        ]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(rows)}</ListBucketResult>"

    def answer(self, status: int, body: bytes = b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running():
    """The server; `objects` is what it holds, `url` what STORAGE_URL says, `away` whether it fails."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.objects, server.away = {}, False
        server.url = f"s3+http://{KEY}:{SECRET.replace('/', '%2F')}@127.0.0.1:{server.server_port}/{NAME}?region=cn-1"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
