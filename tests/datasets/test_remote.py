"""A dataset folder at a URL: in memory, on disk and from a server; what is fetched, and what is fetched again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import numpy as np
import pytest

from reprcheck.datasets.catalogue import load
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.remote import mirrors
from reprcheck.errors import UserError
from tests.datasets.stores import noise, write_image
from tests.minisets import write_image as write_file

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path / "cache"))


class Served:
    """A folder's URL, and the paths that were asked for with GET."""

    def __init__(self, folder: Path) -> None:
        self.fetched = fetched = list[str]()

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                if self.command == "GET":
                    fetched.append(self.path.lstrip("/"))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Served]]:
    """Serve a folder over HTTP."""
    running: list[Served] = []

    def start(folder: Path) -> Served:
        running.append(Served(folder))
        return running[-1]

    yield start
    for served in running:
        served.stop()


def refused(url: str) -> str:
    with pytest.raises(UserError) as caught:
        load(url)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(url, "URL")


def test_over_http_files_are_read_kept_and_fetched_again_when_changed(make_dataset: Make, serve: Any) -> None:
    folder = make_dataset(masks=True, types=("a", "b"))
    served = serve(folder)
    local, remote = open_folder(folder), load(served.url)
    assert remote.digest == local.digest
    np.testing.assert_array_equal(remote.images.read(3).pixels, local.images.read(3).pixels)
    np.testing.assert_array_equal(remote.images.read(3).types, local.images.read(3).types)
    assert len([name for name in served.fetched if name.startswith(("images/", "masks/", "types/"))]) == 36
    served.fetched.clear()
    assert load(f"{served.url}/dataset.toml").digest == local.digest
    assert not [name for name in served.fetched if name.startswith("images/")]
    write_file(folder / "images" / "003.tif", np.full((1, 12, 12), 7, np.uint8))
    os.utime(folder / "images" / "003.tif", (1, 1))
    assert load(served.url).digest == open_folder(folder).digest != local.digest
    assert "images/003.tif" in served.fetched
    assert "images/004.tif" not in served.fetched


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_other_file_systems_give_the_same_dataset(make_dataset: Make, scheme: str) -> None:
    folder = make_dataset()
    url = f"file://{folder}"
    if scheme == "memory":
        url = "memory://mini"
        fsspec.filesystem("memory").put(str(folder), "/mini", recursive=True)
    assert load(url).digest == open_folder(folder).digest
    assert any(mirrors().rglob("000.tif"))


def test_of_a_store_only_what_crops_need_is_fetched(make_dataset: Make, serve: Any) -> None:
    crops = {"table": "cells.csv", "field": "field", "y": "y", "x": "x", "size": [8, 8]}
    folder = make_dataset(labels=["a", "b"] * 2, card={"crops": crops})
    for number in range(4):
        write_image(folder / "images" / f"{number:03}.zarr", [noise(1, 32, 32) // (number + 1)], "CYX")
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace(".tif", ".zarr"))
    (folder / "cells.csv").write_text("field,y,x\n" + "".join(f"s0{i},12,20\n" for i in range(4)))
    served, local = serve(folder), open_folder(folder)
    remote = load(served.url)
    assert remote.digest == local.digest
    np.testing.assert_array_equal(remote.images.read(0).pixels, local.images.read(0).pixels)
    chunks = [name for name in served.fetched if "/c/" in name]
    assert sorted(chunks) == [f"images/{i:03}.zarr/0/c/0/1/2" for i in range(4)]


def test_a_file_that_is_gone_is_missing_here_too(make_dataset: Make, serve: Any) -> None:
    folder = make_dataset()
    served = serve(folder)
    load(served.url)
    (folder / "images" / "004.tif").unlink()
    assert refused(served.url) == (
        "URL/samples.csv line 6 column path: no file 'images/004.tif' in the folder; "
        "put the images back, or remove the rows"
    )
    (folder / "dataset.toml").unlink()
    assert refused(served.url) == "URL: no dataset.toml; write the card (see the dataset guide)"


def test_a_host_that_does_not_answer(tmp_path: Path, serve: Any) -> None:
    served = serve(tmp_path)
    served.server.server_close()
    message = refused(served.url)
    assert message.startswith("URL/dataset.toml: can't be fetched (ClientConnectorError: ")
    assert message.endswith("); check the address, the network and what you may read")


def test_a_remote_folder_is_not_left(make_dataset: Make) -> None:
    folder = make_dataset(card={"allow_outside": True})
    message = "URL/dataset.toml allow_outside: a remote folder can't be left; remove it"
    assert refused(f"file://{folder}") == message


def test_a_url_of_no_kind_known() -> None:
    message = refused("nosuch://x/y")
    assert message.startswith("dataset=URL: can't be opened (Protocol not known: nosuch")
    assert message.endswith("); name a folder, or a URL that fsspec knows")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    message = "dataset=URL: a URL needs fsspec, which isn't installed; pip install 'reprcheck[remote]'"
    assert refused("memory://x") == message


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path / "file"))
    assert "can't be written (Not a directory); set REPRCHECK_CACHE to another folder" in refused("memory://x")
