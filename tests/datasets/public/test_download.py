"""A file comes whole, whatever the connection does; or it is told in one line why not, and what came is kept."""

from __future__ import annotations

import errno
import io
import shutil
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from urllib.request import Request

import pytest

from reprcheck.datasets.public import download as downloads
from reprcheck.datasets.public.download import download, held, tag_of
from reprcheck.errors import UserError

CONTENT = bytes(range(256)) * 40
DYING = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from reprcheck.datasets.public import download

@contextmanager
def killer(*args, **options):
    done = []
    def advance(n):
        done.append(n)
        if sum(done) >= 3000:
            os.kill(os.getpid(), signal.SIGKILL)
    yield advance

download.bar, download.CHUNK = killer, 1000
download.download(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.fixture
def part(tmp_path):
    return tmp_path / "a.bin.part"


def refused(url, part, size=None):
    with pytest.raises(UserError) as caught:
        download(url, part, size)
    return str(caught.value).replace(url, "URL").replace(str(part.parent), "FOLDER")


def test_a_file_comes_whole(site, part):
    download(site.put("a.bin", CONTENT), part, len(CONTENT))
    assert part.read_bytes() == CONTENT
    assert site.asked == [("/a.bin", None)]


def test_a_broken_connection_is_gone_on_with(site, part):
    site.breaks = [3000, 2500]
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT
    assert [span for _, span in site.asked] == [None, "bytes=3000-", "bytes=5500-"]


def test_any_number_of_breaks_is_borne_that_each_brought_something(site, part):
    site.breaks = [1000] * 8
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_starts_over(site, part):
    site.breaks, site.ranges = [3000], False
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT
    assert site.asked[-1] == ("/a.bin", "bytes=3000-")


@pytest.mark.parametrize("version", ['W/"2"', None])
def test_what_has_no_version_is_never_pieced_together(site, part, version):
    site.breaks, site.version = [3000], version
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT
    assert [span for _, span in site.asked] == [None, None]


def test_the_rest_of_another_version_is_never_added(site, part):
    site.breaks = [3000, 0, 0, 0]
    assert "3.0 kB of it are kept" in refused(site.put("a.bin", CONTENT), part)
    site.version = '"2"'
    download(site.put("a.bin", CONTENT[::-1]), part)
    assert part.read_bytes() == CONTENT[::-1]


def test_a_part_of_another_address_is_not_gone_on_with(site, part):
    site.breaks = [3000, 0, 0, 0]
    refused(site.put("a.bin", CONTENT), part)
    download(site.put("b.bin", CONTENT[::-1]), part)
    assert part.read_bytes() == CONTENT[::-1]


def test_tries_are_bounded_and_what_came_is_kept(site, part):
    site.breaks = [2000, 0, 0, 0]
    assert refused(site.put("a.bin", CONTENT), part) == (
        "URL: the connection broke, 4 times in a row; 2.0 kB of it are kept, and running again goes on from there"
    )
    assert part.read_bytes() == CONTENT[:2000]
    download(f"{site.address}/a.bin", part)
    assert part.read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again(site, part):
    site.answers = [503, 429]
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT
    part.unlink()
    site.answers = [503] * 9
    assert "answers 503 (Service Unavailable), 4 times in a row; 0 bytes" in refused(f"{site.address}/a.bin", part)


def test_a_file_that_is_not_there_is_not_asked_for_again(site, part):
    assert refused(f"{site.address}/b.bin", part) == (
        "URL: the server answers 404 (Not Found); look on the set's page for where the file is now, and report it"
    )
    assert len(site.asked) == 1


def test_a_file_that_moved_is_followed_and_gone_on_with(site, part):
    site.moved = {"/old": site.put("a.bin", CONTENT)}
    site.breaks = [3000]
    download(f"{site.address}/old", part)
    assert part.read_bytes() == CONTENT
    assert site.asked[-1] == ("/a.bin", "bytes=3000-")


@pytest.mark.parametrize("there", ["http://example.org/a", "ftp://example.org/a"])
def test_from_https_nothing_less_is_followed(there):
    with pytest.raises(UserError, match=r"https://example.org/a: moved to .*, which isn't https"):
        downloads._RedirectHandler().redirect_request(Request("https://example.org/a"), None, 302, "", {}, there)


def test_a_host_that_cannot_be_reached_is_named_at_once(part):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.bin"
    assert refused(url, part) == (
        "URL: 127.0.0.1 can't be reached (Connection refused); check the network, or fetch it "
        "elsewhere and copy it to FOLDER/a.bin (`reprcheck data where` prints the folder); then run again"
    )


def test_a_host_nobody_knows(part, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "sets.example can't be reached (Name or service not known)" in refused("https://sets.example/a.bin", part)


def test_another_size_than_published_is_told_before_anything_is_written(site, part):
    assert "the server has 10,240 bytes, and 9 are published" in refused(site.put("a.bin", CONTENT), part, 9)
    assert not part.exists()


def test_a_web_page_in_place_of_the_file(site, part):
    site.kind = "text/html; charset=utf-8"
    assert "a web page came in place of the file; open it in a browser" in refused(site.put("a.bin", CONTENT), part)


def test_a_file_of_unknown_length(site, part):
    site.length = False
    download(site.put("a.bin", CONTENT), part)
    assert part.read_bytes() == CONTENT


def test_a_part_that_is_whole_is_left_alone(site, part):
    url = site.put("a.bin", CONTENT)
    download(url, part)
    download(url, part, len(CONTENT))
    assert len(site.asked) == 1
    download(url, part)  # of a size that nobody published: the server says that there is nothing more
    assert site.asked[1:] == [("/a.bin", f"bytes={len(CONTENT)}-")]
    part.write_bytes(CONTENT + b"more")
    download(url, part)
    assert part.read_bytes() == CONTENT


def test_too_little_room_is_told_before_anything_is_written(site, part, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(10_000))
    assert refused(site.put("a.bin", CONTENT), part) == (
        "FOLDER: 10.2 kB are needed, and 10.0 kB are free; make room, or name another disk's folder by $REPRCHECK_DATA"
    )
    assert not part.exists()


class FullAfterOne(io.FileIO):
    def write(self, chunk):
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(chunk)


def test_a_disk_that_fills_up_keeps_what_came(site, part, monkeypatch):
    url, opened = site.put("a.bin", CONTENT), Path.open
    with monkeypatch.context() as patched:
        patched.setattr(
            Path,
            "open",
            lambda path, *a, **k: FullAfterOne(path, "w") if path == part else opened(path, *a, **k),
        )
        assert refused(url, part) == (
            "FOLDER/a.bin.part: the disk is full; make room and run again: what is here is kept"
        )
    assert part.read_bytes() == CONTENT[:1000]
    download(url, part)
    assert part.read_bytes() == CONTENT


def test_a_killed_process_is_gone_on_with(site, part):
    url = site.put("a.bin", CONTENT)
    done = subprocess.run([sys.executable, "-c", DYING, url, str(part)], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")
    assert held(part) == 3000
    assert tag_of(part).exists()
    download(url, part)
    assert part.read_bytes() == CONTENT
    assert site.asked[-1] == ("/a.bin", "bytes=3000-")
