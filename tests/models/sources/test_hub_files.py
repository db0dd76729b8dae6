"""Repositories of a hub: those that are here, and what keeps others from coming, each in one line within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from reprcheck.models import hub
from tests.models.made import line

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "hub"


@pytest.fixture
def answers(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """A hub that answers every request with a status and its own code, as late as asked."""
    told: dict[str, object] = {"status": 404, "code": "", "after": 0.0}

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            time.sleep(float(told["after"]))
            self.send_response(int(told["status"]))
            self.send_header("X-Error-Code", str(told["code"]))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def test_a_repository_that_is_here_is_asked_of_nobody(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "urlopen", lambda *_, **__: pytest.fail("a hub was asked"))
    folder = cache / "models--org--name" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    refs = cache / "models--org--name" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT)
    assert hub.folder_of("org/name", "m") == hub.folder_of(f"org/name@{COMMIT}", "m") == folder
    assert hub.folder_of(str(folder), "m") == folder


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "GatedRepo", "org/name is gated, and not given to you; accept its terms at http"),
        (403, "", "org/name is gated, and not given to you"),
        (401, "RepoNotFound", "gives no org/name; check the name; if it is private, hf auth login"),
        (404, "RevisionNotFound", "org/name has no revision v9; check it, or leave @REVISION out"),
        (404, "EntryNotFound", "org/name has no config.json; check that it holds a model of this kind"),
        (503, "", "answers with status 503; try again later, or write a folder in its place"),
    ],
    ids=["gated", "forbidden", "unknown", "revision", "no model", "down"],
)
def test_what_a_hub_does_not_give(answers: dict, status: int, code: str, expected: str) -> None:
    answers.update(status=status, code=code)
    assert expected in line(lambda: hub.folder_of("org/name@v9", "model=hf:org/name@v9"))


def test_a_hub_that_can_not_be_reached_or_is_silent(answers: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PATIENCE", 0.2)
    answers.update(after=1.0)
    assert "can't be reached (" in line(lambda: hub.folder_of("org/name", "m"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    told = line(lambda: hub.folder_of("org/name", "m"))
    assert told.startswith("m: org/name isn't in the hub's cache, and http://127.0.0.1:9 can't be reached (")
    assert told.endswith("go online once, or write a folder in place of org/name")


def test_offline_is_said_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert line(lambda: hub.folder_of("org/name", "m")) == (
        "m: org/name isn't in the hub's cache, and HF_HUB_OFFLINE is set; "
        "download it where there is a network, or write a folder in place of org/name"
    )


def test_what_is_no_name(tmp_path: Path) -> None:
    assert "'nothing' is no folder, and no name as on a hub" in line(lambda: hub.folder_of("nothing", "m"))
    assert "has no config.json" in line(lambda: hub.folder_of(str(tmp_path), "m"))
