"""A repository of the Hugging Face hub as a folder on this machine: from the hub's cache, else downloaded once.

A hub that can't be reached or doesn't give is told in one line, within seconds: it is asked for one small file before
the hub's own client begins, which tries again for minutes. No torch.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from reprcheck.digest import file_digest
from reprcheck.errors import UserError

PATIENCE = 4
"""Seconds that the hub has to answer the first question, its name to be looked up included."""
FILES = ("*.json", "*.safetensors", "*.py")
"""What is brought of a repository: never a pickle."""
CONFIG = "config.json"


def is_folder(target: str) -> bool:
    """Return whether a target is a folder on this machine, which goes before a repository of that name."""
    return Path(target).expanduser().is_dir()


def folder_of(target: str, where: str, probe: str = CONFIG) -> Path:
    """Return the folder that ``org/name[@revision]`` stands for, or an existing folder itself.

    Parameters
    ----------
    target : str
    where : str
        What an error names.
    probe : str
        A small file that the repository must have.

    Raises
    ------
    UserError
        For what is neither, a repository that isn't here and can't be had, or one without that file.
    """
    if is_folder(target):
        folder = Path(target).expanduser()
        if not (folder / probe).is_file():
            raise UserError(where, f"{target} has no {probe}", "name the folder that the model was saved in")
        return folder
    name, _, revision = target.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UserError(
            where, f"{target!r} is no folder, and no name as on a hub", "write org/name or org/name@REVISION"
        )
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    here = partial(snapshot_download, name, revision=revision or None, allow_patterns=list(FILES))
    try:
        found = Path(here(local_files_only=True))
        if (found / probe).is_file():
            return found
    except (LocalEntryNotFoundError, ValueError):
        pass
    if constants.is_offline_mode():
        what = f"{target} isn't in the hub's cache, and HF_HUB_OFFLINE is set"
        raise UserError(where, what, f"download it where there is a network, or write a folder in place of {name}")
    _refuse_what_is_not_given(name, revision or "main", probe, where)
    try:
        return Path(here(etag_timeout=PATIENCE))
    except Exception as error:
        what = f"{target} can't be downloaded: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise UserError(where, what, "try again, or write a folder in its place") from None


def contents(folder: Path, *patterns: str) -> dict[str, str]:
    """Return the digests of a folder's files by name, of those that match; sorted."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(found)}


def _refuse_what_is_not_given(name: str, revision: str, probe: str, where: str) -> None:
    from huggingface_hub import constants, get_token

    hub, token = constants.ENDPOINT, get_token()
    status, code = _asked(f"{hub}/{name}/resolve/{quote(revision, safe='')}/{probe}", token)
    if status == 200:
        return
    login = "hf auth login" if token is None else "log in as somebody who may: hf auth login"
    if status == 0:
        what = f"{name} isn't in the hub's cache, and {hub} can't be reached ({code})"
        remedy = f"go online once, or write a folder in place of {name}"
    elif code == "GatedRepo" or status == 403:
        what, remedy = f"{name} is gated, and not given to you", f"accept its terms at {hub}/{name}, then {login}"
    elif code == "RevisionNotFound":
        what, remedy = f"{name} has no revision {revision}", "check it, or leave @REVISION out"
    elif code == "EntryNotFound":
        what, remedy = f"{name} has no {probe}", "check that it holds a model of this kind"
    elif status in (401, 404):
        what, remedy = f"the hub gives no {name}", f"check the name; if it is private, {login}"
    else:
        what, remedy = f"{hub} answers with status {status}", "try again later, or write a folder in its place"
    raise UserError(where, what, remedy)


def _asked(address: str, token: str | None) -> tuple[int, str]:
    """Return the status that a hub answers with, and its own code; 0 and a reason where none comes in time."""
    answers: SimpleQueue[tuple[int, str]] = SimpleQueue()

    def ask() -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with urlopen(Request(address, headers=headers, method="HEAD"), timeout=PATIENCE) as answer:
                answers.put((answer.status, ""))
        except HTTPError as error:
            answers.put((error.code, error.headers.get("X-Error-Code", "")))
            error.close()
        except (URLError, OSError, ValueError) as error:
            answers.put((0, str(getattr(error, "reason", error))))

    Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=PATIENCE)
    except Empty:
        return 0, f"no answer within {PATIENCE} s"
