"""A web site on this machine that misbehaves as told, and no waiting between tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from reprcheck.datasets.public import download


@dataclass
class Site:
    """Files by path, and how they are served.

    ``breaks``: the bytes after which each next connection breaks. ``answers``: the statuses that each next request gets
    in place of the file. ``moved``: from path to address.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    version: str | None = '"1"'
    ranges: bool = True
    length: bool = True
    kind: str = "application/octet-stream"
    breaks: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def put(self, name: str, content: bytes) -> str:
        """Serve a file and return its address."""
        self.files[f"/{name}"] = content
        return f"{self.address}/{name}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        span = request.headers.get("Range")
        self.asked.append((request.path, span))
        if request.path in self.moved:
            request.send_response(302)
            request.send_header("Location", self.moved[request.path])
            request.end_headers()
            return
        if self.answers or request.path not in self.files:
            request.send_error(self.answers.pop(0) if self.answers else 404)
            return
        content = self.files[request.path]
        same = request.headers.get("If-Range") in (None, self.version)
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span and self.ranges and same else 0
        if start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Type", self.kind)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.version:
            request.send_header("ETag", self.version)
        if self.length:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start:][: self.breaks.pop(0) if self.breaks else None])
        request.close_connection = True


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "CHUNK", 1000)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()
