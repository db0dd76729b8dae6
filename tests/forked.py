"""Python processes that skip the imports: each a fork of one that has done them, and otherwise as a shell starts it.

Most of a short session of the gate is the import of NumPy, pandas, scikit-learn and PyTorch, twice: in the session and
in the process that runs the model. A `Server` does these imports once, and `Server.run` asks it for a process where
`subprocess.run` would start an interpreter; what that process starts with Python in its turn (a model's process, a
worker of xdist) is forked as well. The package itself is never imported beforehand. A forked process has its own
arguments, folder, environment, standard streams, session and exit status. It differs in three ways, and a test about
any of them needs `subprocess`: third-party modules are loaded, strings hash as in every other fork, and its parent is
the server.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self

MODULES = (
    "PIL.Image", "filelock", "joblib", "jsonschema", "numpy", "packaging.version", "pandas", "pyarrow.pandas_compat",
    "pyarrow.parquet", "pytest", "rich.console", "rich.markdown", "rich.progress", "rich.table", "safetensors.numpy",
    "scipy.ndimage", "scipy.optimize", "scipy.stats", "skimage.exposure", "skimage.feature", "skimage.measure",
    "skimage.morphology", "skimage.segmentation", "sklearn.ensemble", "sklearn.linear_model",
    "sklearn.model_selection", "sklearn.neighbors", "threadpoolctl", "tifffile", "timm", "torch",
    "xdist.plugin",
)  # fmt: skip
MESSAGE = 1 << 17
"""Bytes of a request at most: a command and an environment."""
start = subprocess.Popen


class Server:
    """The process that has done the imports; as a context it is ended at the end.

    Parameters
    ----------
    folder : Path
        Where it listens.
    """

    def __init__(self, folder: Path) -> None:
        self._address, self._serves = str(folder / "forked"), False
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = start(
            [sys.executable, "-P", __file__, self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment | threads,
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        """Where it listens, once it does."""
        if not self._serves:
            self._serves = bool(self._process.stdout.readline())
        return self._address

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End the process."""
        self._process.communicate()

    def run(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Return what a process did and wrote, its standard input closed.

        Parameters
        ----------
        command : sequence of str
            ``[sys.executable, "-m" or "-c", …]``.
        cwd : Path
        env : mapping of str to str
        timeout : float
            Seconds; raises subprocess.TimeoutExpired.
        """
        with open(os.devnull, "rb") as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = Process(self.address, command, cwd, env, nothing.fileno(), out.fileno(), err.fileno())
            try:
                process.wait(timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, process.returncode, out.read().decode(), err.read().decode())

    def popen(self, command: Any, **options: Any) -> Any:
        """Start a process as `subprocess.Popen` does; one of Python's with plain options is forked."""
        return popen(self.address, command, **options)


def run_fresh(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Return what `Server.run` does, of an interpreter that has been started for it."""
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)


class Process:
    """A forked process, with those of `subprocess.Popen`'s methods that are asked for."""

    def __init__(
        self,
        address: str,
        command: Sequence[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self.args = command
        self.returncode: int | None = None
        self.stdin = self.stdout = None
        there = [own if given is None else given for own, given in enumerate((stdin, stdout, stderr))]
        if stdin == subprocess.PIPE:
            there[0], ours = os.pipe()
            self.stdin = os.fdopen(ours, "wb")
        if stdout == subprocess.PIPE:
            ours, there[1] = os.pipe()
            self.stdout = os.fdopen(ours, "rb")
        asked = {
            "command": list(command[1:]),
            "cwd": str(cwd or os.getcwd()),
            "env": dict(os.environ if env is None else env),
        }
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(address)
        socket.send_fds(self._server, [json.dumps(asked).encode()], there)
        self.pid = int(self._server.recv(MESSAGE))
        for given, fd in zip((stdin, stdout), there, strict=False):
            if given == subprocess.PIPE:
                os.close(fd)

    def poll(self) -> int | None:
        """Return the exit status; None while the process lives."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status once there is one; raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = os.waitstatus_to_exitcode(int(self._server.recv(MESSAGE)))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._server.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, if it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)


def popen(address: str, command: Any, **options: Any) -> Any:
    """Start a process; one of Python's with no more than pipes for options is forked, in a session of its own."""
    python = isinstance(command, list) and command[:1] == [sys.executable]
    if python and options.keys() <= {"stdin", "stdout", "start_new_session"}:
        options.pop("start_new_session", None)
        return Process(address, [part for part in command if part != "-u"], **options)
    return start(command, **options)


def serve(address: str) -> tuple[dict[str, Any], list[int]]:
    """Fork for every request until standard input ends; return in the fork alone, with what was asked of it."""
    waking, woken = os.pipe()
    os.set_blocking(waking, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    living: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, selectors.DefaultSelector() as selector:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        for source in (0, waking, listener):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if 0 in ready:
                os._exit(0)
            if waking in ready:
                os.read(waking, MESSAGE)
                report(living)
            if listener in ready:
                client, _ = listener.accept()
                request, streams, _, _ = socket.recv_fds(client, MESSAGE, 3)
                if pid := os.fork():
                    living[pid] = client
                    client.send(str(pid).encode())
                    for fd in streams:
                        os.close(fd)
                    continue
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for fd in (waking, woken):
                    os.close(fd)
                for other in (client, *living.values()):
                    other.close()
                return json.loads(request), streams


def report(living: dict[int, socket.socket]) -> None:
    """Send the status of those that have ended to who asked for them."""
    for pid in list(living):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with living.pop(pid) as client, suppress(OSError):
                client.send(str(status).encode())


def become(cwd: str, env: dict[str, str], streams: list[int]) -> None:
    """Take the folder, the environment and the standard streams that were asked for, in a session of its own."""
    os.setsid()
    for own, fd in enumerate(streams):
        os.dup2(fd, own)
        os.close(fd)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)


class Ending:
    """The end of a fork: as the interpreter's, less the time that forgetting every module takes."""

    status = 1

    def __init__(self) -> None:
        atexit.register(self.leave)  # before any other, so that it is called after all others

    def leave(self) -> None:
        """Leave with the status."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.status)

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: object) -> None:
        """Read the status from what was raised."""
        if raised is None:
            self.status = 0
        elif isinstance(raised, KeyboardInterrupt):
            atexit.unregister(self.leave)  # the interpreter ends itself by the signal
        elif isinstance(raised, SystemExit):
            code = raised.code or 0
            self.status = code & 0xFF if isinstance(code, int) else 1


def main(address: str) -> None:
    """Do the imports, serve, and in a fork run what it was asked to."""
    ending = Ending()
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
    asked, streams = serve(address)
    become(asked["cwd"], asked["env"], streams)
    subprocess.Popen = partial(popen, address)  # type: ignore[assignment, misc]
    option, what, *arguments = asked["command"]
    sys.argv = [option, *arguments]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [asked["cwd"] if option == "-m" else "", *filter(None, paths)]
    with ending:
        if option == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            sys.modules["__main__"] = types.ModuleType("__main__")
            exec(what, vars(sys.modules["__main__"]))


if __name__ == "__main__":
    main(sys.argv[1])
