"""Servers on loopback that speak as much of a dataset hub and of CKAN as a mirror needs."""

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class _Server:
    """Answers JSON with JSON, one request after the other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[str] = []

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        raise NotImplementedError


class Hub(_Server):
    """One dataset repository with one branch; small files, which travel within the commit.

    Attributes:
        files: What is in it.
        commits: Its commits, oldest first; each follows the one before, or is refused.
    """

    def __init__(self, repository: str) -> None:
        super().__init__()
        self.repository = repository
        self.files: dict[str, bytes] = {".gitattributes": b"*.parquet filter=lfs\n"}
        self.commits = [self._identifier()]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if path == "/api/validate-yaml":
            return 200, {"warnings": [], "errors": []}
        root = f"/api/datasets/{self.repository}/"
        if not path.startswith(root):
            return 404, {"error": "no such repository"}
        match (method, path.removeprefix(root).split("/")):
            case "GET", ["revision", _]:
                return 200, {"id": self.repository, "sha": self.commits[-1]}
            case "GET", ["tree", commit]:
                return (200, self._tree()) if commit == self.commits[-1] else (404, {})
            case "POST", ["preupload", _]:
                files = json.loads(body)["files"]
                return 200, {
                    "files": [
                        {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for each in files
                    ]
                }
            case "POST", ["commit", _]:
                return self._commit([json.loads(line) for line in body.splitlines()])
        return 404, {"error": f"{method} {path}"}

    def _tree(self) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": _blob(content)}
            for name, content in self.files.items()
        ]

    def _commit(self, lines: list[dict[str, Any]]) -> Answer:
        header, *operations = lines
        if header["value"].get("parentCommit") != self.commits[-1]:
            return 412, {"error": "A commit has happened since. Please refresh and try again."}
        for each in operations:
            path = each["value"]["path"]
            if each["key"] == "file":
                self.files[path] = base64.b64decode(each["value"]["content"])
            else:
                del self.files[path]
        self.commits.append(self._identifier())
        url = f"/datasets/{self.repository}/commit/{self.commits[-1]}"
        return 200, {"commitUrl": url, "commitOid": self.commits[-1], "success": True}

    def _identifier(self) -> str:
        return hashlib.sha1(uuid.uuid4().bytes, usedforsecurity=False).hexdigest()


class Ckan(_Server):
    """An organization with its datasets, for whoever has the key."""

    def __init__(self, organization: str, key: str) -> None:
        super().__init__()
        self.organization, self.key = organization, key
        self.datasets: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        fields = json.loads(body)
        match path.removeprefix("/api/action/"):
            case "package_show":
                if (found := self.datasets.get(fields["id"])) is None:
                    return self._refused(404, "Not Found Error")
                return 200, {"success": True, "result": found}
            case "package_create" | "package_update":
                if fields["owner_org"] != self.organization:
                    return self._refused(403, "Authorization Error")
                known = self.datasets.get(fields["name"], {"id": uuid.uuid4().hex})
                resources = [
                    {"id": uuid.uuid4().hex, "package_id": known["id"], **each}
                    for each in fields["resources"]
                ]
                self.datasets[fields["name"]] = {
                    **fields,
                    "id": known["id"],
                    "owner_org": "b1b1",
                    "state": "active",
                    "resources": resources,
                }
                return 200, {"success": True, "result": self.datasets[fields["name"]]}
        return self._refused(400, "Bad request")

    def _refused(self, status: int, kind: str) -> Answer:
        return status, {"success": False, "error": {"__type": kind, "message": kind}}


@contextmanager
def running(server: _Server, authorization: str | None = None) -> Iterator[str]:
    """The address of a server while it runs; whoever lacks the authorization is refused."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self._body()
            parts = urlsplit(self.path)
            with server.lock:
                server.asked.append(f"{method} {parts.path}")
                if authorization not in (None, self.headers.get("Authorization")):
                    error = {"__type": "Authorization Error", "message": "Access denied"}
                    status, answer = 403, {"success": False, "error": error}
                else:
                    query = parse_qs(parts.query)
                    status, answer = server.answer(method, parts.path, query, body)
            content = json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = b""
            while length := int(self.rfile.readline(), 16):
                content += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
            return content

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
