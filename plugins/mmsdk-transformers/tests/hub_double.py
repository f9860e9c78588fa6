"""A hub of one model on loopback: what of its interface ``huggingface_hub`` asks for, over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"


class Hub:
    """A server of the files of a folder as the model ``tiny/model``.

    :param withheld: a file that it lists and does not give.
    """

    def __init__(self, folder, *, licence="mit", withheld=""):
        self.folder, self.licence, self.withheld = folder, licence, withheld
        self.asked = []  # (method, path)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.hub = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def files(self):
        return {path.relative_to(self.folder).as_posix(): path for path in self.folder.rglob("*") if path.is_file()}

    def document(self, path):
        """Return what the JSON interface answers, None where it knows nothing of the path."""
        if path.removeprefix("/api/models/tiny/model") in ("", "/revision/main", f"/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in self.files()]
            card = {"license": self.licence} if self.licence else {}
            return {"id": "tiny/model", "sha": COMMIT, "siblings": siblings, "cardData": card}
        if path.startswith("/api/models/tiny/model/tree/"):
            return [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": etag(file)}
                for name, file in self.files().items()
            ]
        return None


class Answers(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path))
        name = path.removeprefix(f"/tiny/model/resolve/{COMMIT}/")
        file = hub.files().get(name) if name != hub.withheld else None
        document = hub.document(path)
        if file is not None:
            self.send(200, file.read_bytes(), {"ETag": f'"{etag(file)}"', "X-Repo-Commit": COMMIT})
        elif document is not None:
            self.send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
        else:
            self.send(404, b"{}", {"X-Error-Code": "EntryNotFound" if name != path else "RepoNotFound"})

    def send(self, code, body, headers):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def etag(file):
    """Return the hash by which git names a file, as the hub does."""
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(folder, **how):
    """Yield a hub that answers until the block ends."""
    hub = Hub(folder, **how)
    thread = threading.Thread(target=hub.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()
