"""A process of its own for everything that runs a model's code: whatever that code does, the gate lives to say so.

A `Child` is the gate's handle. It starts the process at the first question, sends it questions, and gets one `Answer`
for each; where the process ends instead (``os._exit`` in a model, a crash in a C library, the system short of memory),
the answer is a cell of status ``error`` that says how it ended. What comes back is JSON: nothing of the model's is ever
loaded by the gate. What runs there is `reprcheck.runs.server`, in a process group of its own, so that signals to the
group end there and whatever a model has started ends with it.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from queue import Empty, SimpleQueue
from typing import IO, Any, Self

from reprcheck.embed.cache import Cache
from reprcheck.embed.engines import LOCAL, Engine
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.errors import Option, SpelledMistakeError
from reprcheck.models import Model
from reprcheck.policy import Policy
from reprcheck.runs.embed import Assignment, Tally
from reprcheck.runs.questions import Question
from reprcheck.scorecard.collect import UNKNOWN
from reprcheck.scorecard.gate import Key
from reprcheck.types import Cell, Dataset, Setting

LOOK = 0.2
"""Seconds between two looks at whether the process still lives; an answer is never waited for longer than it takes."""
GRACE = 2.5
"""Seconds that the process has to put away what it has computed."""
BELOW = "below"
"""What the process hears once the gate has ended the line that it was writing."""


@dataclass(frozen=True)
class Setup:
    """What a process needs to answer.

    Attributes
    ----------
    models, datasets : mapping of str to Model and Dataset
        By name; nothing of the models is built yet.
    policy : Policy
    cache : Cache
    today : date
        Decides which waivers still hold.
    spell : callable
        How this front door writes an option.
    plan : sequence of Question
        All that will be asked, for an estimate of how long it takes.
    quiet : bool
        Show no progress.
    debug : bool
        Print the traceback of whatever is raised.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.
    engine : Engine
        What runs encoders.
    """

    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    policy: Policy
    cache: Cache
    today: date
    spell: Callable[[Option], str] = str
    plan: Sequence[Question] = ()
    quiet: bool = False
    debug: bool = False
    batch_timeout: float = BATCH_TIMEOUT
    engine: Engine = LOCAL


@dataclass(frozen=True)
class Answer:
    """What comes of a question: a verdict, or a mistake of the user's in words.

    Attributes
    ----------
    model : str
        Its name.
    asked : (model, setting, diagnostic) or None
        The question.
    cell : Cell or None
        None for a mistake.
    setting : Setting or None
        None where it couldn't be described.
    mistake : str
        One line, as a `UserError` words it.
    digest : str
        The model's.
    device : str
        Where networks ran.
    seconds : float
    died : bool
        The process ended instead of answering.
    last : bool
        The process ends after it, since a model's code hangs there and can't be stopped.
    tally : Tally or None
        Of an assignment that was done.
    """

    model: str
    asked: Key | None = None
    cell: Cell | None = None
    setting: Setting | None = None
    mistake: str = ""
    digest: str = UNKNOWN
    device: str = "none"
    seconds: float = 0.0
    died: bool = False
    last: bool = False
    tally: Tally | None = None

    def of(self, question: Question) -> Answer:
        """Return the same answer to another question: what holds of one holds of all of a model on a dataset."""
        cell = question.error(self.cell.statement) if self.cell else None
        return replace(self, asked=question.key, cell=cell, seconds=0.0)

    def dumps(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str | bytes) -> Answer:
        """Return what `dumps` wrote."""
        values: dict[str, Any] = json.loads(text)
        cell, setting, asked, tally = (values.pop(name) for name in ("cell", "setting", "asked", "tally"))
        return cls(
            **values,
            asked=tuple(asked) if asked else None,
            cell=Cell(**cell) if cell else None,
            tally=Tally(**tally) if tally else None,
            setting=Setting(**{**setting, "notes": tuple(setting["notes"])}) if setting else None,
        )


class Child:
    """The gate's side; as a context it is closed at the end.

    Parameters
    ----------
    setup : Setup
    below : callable
        Called before the process writes to the terminal for the first time.
    """

    def __init__(self, setup: Setup, below: Callable[[], None] = lambda: None) -> None:
        self._setup, self._below = setup, below
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: SimpleQueue[bytes] = SimpleQueue()

    def ask(self, question: Question | Assignment) -> Answer:
        """Return the answer to a question, or what an assignment came to; starts the process where none is running."""
        try:
            process = self._started()
            with suppress(BrokenPipeError):
                _send(process, question)
            while line := self._next(process):
                if not line.strip():
                    self._below()
                    with suppress(BrokenPipeError):
                        _send(process, BELOW)
                    continue
                answer = Answer.loads(line)
                if answer.asked == question.key:
                    if answer.last:
                        self.close()
                    return answer
                return self._dead(question, "the model's process answered another question: has it forked?")
        except BaseException:  # an interrupt, or another plugin's time limit: nobody waits for the answer any more
            self.close()
            raise
        return self._dead(question, f"the process that ran the model {_ending(process.wait())}, without a verdict")

    def _dead(self, question: Question | Assignment, cause: str) -> Answer:
        self.close()
        return Answer(question.model, question.key, question.error(cause), died=True)

    def verdict(self, question: Question) -> tuple[Cell, Setting | None]:
        """Return the answer as `reprcheck.runs.session.Session.ask` does; raises SpelledMistakeError for a mistake."""
        answer = self.ask(question)
        if answer.cell is None:
            raise SpelledMistakeError(answer.mistake)
        return answer.cell, answer.setting

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process, which puts away what it has computed."""
        process, self._process = self._process, None
        if process is None:
            return
        _hang_up(process)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        kill_group(process.pid)  # what the model has started
        self._reader.join(GRACE)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            code = f"import sys; sys.path[:] = {sys.path!r}; from reprcheck.runs.server import serve; serve()"
            process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            self._process, self._lines = process, SimpleQueue()
            self._reader = threading.Thread(target=_pump, args=(process.stdout, self._lines), daemon=True)
            self._reader.start()
            with suppress(BrokenPipeError):
                _send(process, self._setup)
        return self._process

    def _next(self, process: subprocess.Popen[bytes]) -> bytes:
        """Return the next line; nothing once the process has ended, whoever else still holds its pipe."""
        while True:
            ended = process.poll() is not None
            try:
                return self._lines.get(timeout=LOOK)
            except Empty:
                if ended:
                    return b""


def _send(process: subprocess.Popen[bytes], thing: object) -> None:
    assert process.stdin is not None
    pickle.dump(thing, process.stdin)
    process.stdin.flush()


def kill_group(leader: int) -> None:
    """End whatever is left of a process group; there are none on Windows."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


def _pump(stream: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _ending(status: int) -> str:
    r"""Return how a process ended.

    Examples
    --------
    >>> _ending(0), _ending(-9)
    ('ended itself with exit status 0', 'was killed by SIGKILL (out of memory?)')
    """
    if status >= 0:
        return f"ended itself with exit status {status}"
    names = {number.value: number.name for number in signal.Signals}
    name = names.get(-status, f"signal {-status}")
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
