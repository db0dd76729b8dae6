"""Talking to an encoder in a process of its own: one line of JSON each way, arrays behind it as safetensors.

    -> {"verb": "describe", "protocol": 1}
    <- {"identity": "my encoder, weights 3f2a", "channels": 3, "untrained": true}
    -> {"verb": "untrained", "seed": 7}
    <- {}
    -> {"verb": "embed", "bytes": 786560}       and as many bytes: {"images": float32[N, C, H, W] in [0, 1]}
    <- {"bytes": 163912}                        and as many bytes: {"vectors": float32[N, D]}
    <- {"error": "what went wrong"}             in place of any answer

Whatever the process does, the caller gets an answer or a `UserError` of one line within the time allowed.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from time import monotonic
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reprcheck.errors import UserError, clipped, shown

PROTOCOL = 1
"""Version of what is said, told to the encoder with ``describe``."""
LONGEST_LINE = 2**16
"""Bytes of a line of JSON."""
MOST_BYTES = 2**31
"""Bytes of arrays in one answer."""
BLOCK = 2**16


class Conversation:
    """An encoder's process, started when it is first asked something.

    Parameters
    ----------
    command : str
        As it would be typed; no shell reads it.
    where : str
        What an error names.
    patience : float
        Seconds that an answer may take.
    """

    def __init__(self, command: str, where: str, patience: float) -> None:
        self.command, self.where, self.patience = command, where, patience
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""

    def ask(
        self, verb: str, arrays: Mapping[str, NDArray[np.float32]] | None = None, **more: int
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return an answer: what its line says, and the arrays behind it.

        Raises
        ------
        UserError
            For a command that can't be started, a process that ends, is silent for too long, reports an error or
            answers otherwise than agreed.
        """
        process = self._running()
        deadline = monotonic() + self.patience
        payload = save(dict(arrays)) if arrays else b""
        header = {"verb": verb, **more, **({"bytes": len(payload)} if payload else {})}
        self._send(process, json.dumps(header).encode() + b"\n" + payload, deadline)
        answer = self._line(process, deadline)
        if "error" in answer:
            raise self._mistake(f"reports: {clipped(' '.join(str(answer['error']).split()), 200)}")
        length = answer.get("bytes", 0)
        if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= MOST_BYTES:
            raise self._mistake(f"announces {shown(length)} bytes")
        return answer, self._arrays(process, length, deadline)

    def close(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
            try:
                words = shlex.split(self.command)
                process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
            except (OSError, ValueError, IndexError) as error:
                self._log.close()
                what = f"the command can't be started: {error}"
                raise UserError(self.where, what, "write it as in a terminal, with the path to its Python") from None
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                os.set_blocking(stream.fileno(), False)
            self._process, self._end = process, weakref.finalize(self, _end, process, self._log)
        return self._process

    def _send(self, process: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
        assert process.stdin is not None
        descriptor, rest = process.stdin.fileno(), memoryview(data)
        while rest:
            if not select.select([], [descriptor], [], self._left(deadline))[1]:
                raise self._mistake(f"took no request for {self.patience:g} s")
            try:
                rest = rest[os.write(descriptor, rest[:BLOCK]) :]
            except BrokenPipeError:
                raise self._ended(process) from None

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        while b"\n" not in self._heard:
            if len(self._heard) > LONGEST_LINE:
                raise self._junk(self._heard)
            self._heard += self._read(process, deadline)
        line, _, self._heard = self._heard.partition(b"\n")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._junk(line)
        return answer

    def _arrays(self, process: subprocess.Popen[bytes], length: int, deadline: float) -> dict[str, NDArray[Any]]:
        if not length:
            return {}
        parts, n = [self._heard], len(self._heard)
        while n < length:
            parts.append(self._read(process, deadline))
            n += len(parts[-1])
        raw = b"".join(parts)
        self._heard = raw[length:]
        try:
            return dict(load(raw[:length]))
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise self._mistake(f"sends arrays that aren't safetensors ({clipped(str(error))})") from None

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], self._left(deadline))[0]:
            raise self._mistake(f"gave no answer within {self.patience:g} s")
        data = os.read(process.stdout.fileno(), BLOCK)
        if not data:
            raise self._ended(process)
        return data

    def _left(self, deadline: float) -> float:
        return max(0.0, deadline - monotonic())

    def _junk(self, line: bytes) -> UserError:
        text = shown(line[:200].decode(errors="replace"))
        return self._mistake(
            f"wrote {text} to standard output, where only answers belong", "let it print to standard error"
        )

    def _ended(self, process: subprocess.Popen[bytes]) -> UserError:
        status = process.wait()
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - LONGEST_LINE))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = f"; its last words: {clipped(lines[-1].strip(), 200)}" if lines else ""
        return self._mistake(f"ended ({how}){last}")

    def _mistake(self, what: str, remedy: str = "run the command by hand") -> UserError:
        """Return a mistake of the process, which is over for us."""
        self.close()
        self._process, self._heard = None, b""
        return UserError(self.where, f"the encoder {what}", remedy)


def _end(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        assert stream is not None
        stream.close()
