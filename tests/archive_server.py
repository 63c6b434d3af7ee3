"""A local server with the layout of an exchange's public archive, which fails as it is told to."""

import hashlib
import io
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def zipped(name, lines):
    """A zip with one CSV of these lines."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), "".join(f"{line}\n" for line in lines))
    return out.getvalue()


class Archive:
    """Files by path, each with its checksum.

    `faults` {path: [what happens to its first requests]}: 429, 503, 404; "busy": 503 for a minute; "drop": half; "wrong": other bytes.
    """

    def __init__(self, files):
        self.files = dict(files)
        for path, content in files.items():
            said = f"{hashlib.sha256(content).hexdigest()}  {path.rpartition('/')[2]}\n"
            self.files[f"{path}.CHECKSUM"] = said.encode()
        self.faults, self.asked, self.sent, self.lock = {}, Counter(), Counter(), threading.Lock()

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        archive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                archive.answer(self, self.path.lstrip("/"))

            def log_message(self, *_):
                pass

        return Handler

    def answer(self, request, path):
        """Answer one request, or fail as the path's next fault says."""
        with self.lock:
            self.asked[path] += 1
            waiting = self.faults.get(path, [])
            fault = waiting.pop(0) if waiting else None
        content = self.files.get(path)
        if content is None or fault in (429, 503, 404, "busy"):
            request.send_response({None: 404, "busy": 503}.get(fault, fault))
            request.send_header("Content-Length", "0")
            request.send_header("Retry-After", "60" if fault == "busy" else "0")
            request.end_headers()
            return
        if fault == "wrong":
            content = b"0" * 64 + content[64:]
        begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        body = content[begin:]
        if fault == "drop":
            body = body[:len(body) // 2]
            request.close_connection = True
        request.wfile.write(body)
        with self.lock:
            self.sent[path] += len(body)
