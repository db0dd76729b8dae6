"""A process of its own for everything that runs a model's code: whatever that code does, the gate lives to say so.

A `Child` is the gate's handle. It starts the process at the first question, sends it questions, and gets one `Answer`
for each; where the process ends instead (``os._exit`` in a model, a crash in a C library, the system short of memory),
the answer is a cell of status ``error`` that says how it ended. What comes back is JSON: nothing of the model's is ever
loaded by the gate. `serve` is what runs there, in a process group of its own, so that signals to the group end there
and whatever a model has started ends with it.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from queue import Empty, SimpleQueue
from typing import IO, Any, Self

from reprcheck.embed.cache import Cache
from reprcheck.embed.engines import LOCAL, Engine
from reprcheck.embed.workers import BATCH_TIMEOUT, HangError
from reprcheck.errors import Option, SpelledMistakeError, UserError
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
        _kill_group(process.pid)  # what the model has started
        self._reader.join(GRACE)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            code = f"import sys; sys.path[:] = {sys.path!r}; from reprcheck.runs.child import serve; serve()"
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


def _kill_group(leader: int) -> None:
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


def serve() -> None:
    """Answer questions from standard input until it ends; what models print goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    interrupts: list[int] = []
    own = os.getpid()

    def interrupt(number: int, frame: object) -> None:
        interrupts.append(number)
        if len(interrupts) == 1:  # another one finds it putting things away
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    setup: Setup = pickle.load(requests)
    questions: SimpleQueue[Question | Assignment | None] = SimpleQueue()
    busy, is_below = threading.Event(), threading.Event()
    threading.Thread(target=_receive, args=(requests, questions, busy, is_below), daemon=True).start()

    def below() -> None:
        is_below.clear()
        _write(answers, b"\n")
        is_below.wait(GRACE)

    answer = _make_answerer(setup, below)
    try:
        while question := questions.get():
            busy.set()
            result = answer(question, interrupts)
            busy.clear()  # before the gate can hang up on what it has heard
            if os.getpid() != own:  # the model has forked, and this is the fork
                os._exit(1)
            _write(answers, result.dumps().encode() + b"\n")
            if result.last:
                os._exit(0)
    except (KeyboardInterrupt, BrokenPipeError):  # the gate has been stopped, or is gone
        _leave(signal.SIGTERM if signal.SIGTERM in interrupts else signal.SIGINT)


def _leave(number: signal.Signals) -> None:
    """End the process as a signal does, without waiting for threads that still run a model."""
    if number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(128 + number)


def _receive(
    requests: IO[bytes],
    questions: SimpleQueue[Question | Assignment | None],
    busy: threading.Event,
    is_below: threading.Event,
) -> None:
    """Hand questions on; where the gate has gone, stop what is being computed."""
    with suppress(EOFError, OSError):
        while True:
            received = pickle.load(requests)
            if received == BELOW:
                is_below.set()
            else:
                questions.put(received)
    questions.put(None)
    if busy.is_set():
        if sys.platform != "win32":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # wakes it where it waits
        else:
            signal.raise_signal(signal.SIGINT)
        time.sleep(GRACE)
        _kill_group(os.getpid())
        os._exit(128 + signal.SIGINT)


def _make_answerer(setup: Setup, below: Callable[[], None]) -> Callable[[Question | Assignment, list[int]], Answer]:
    """Return what answers a question."""
    from reprcheck.models import device_name
    from reprcheck.models.failure import because
    from reprcheck.progress import Screen
    from reprcheck.runs.outlook import Outlook
    from reprcheck.runs.pace import Pace
    from reprcheck.runs.session import Session

    if setup.debug:
        logging.basicConfig()
        logging.getLogger("reprcheck").setLevel(logging.DEBUG)
    log = logging.getLogger("reprcheck.runs.child")
    plan = [(question, setup.datasets[question.dataset]) for question in setup.plan]
    outlook = None if setup.quiet else Outlook(Pace(setup.cache.folder), plan, Screen(below))
    filler = setup.engine.filler(setup.models, setup.datasets)
    session = Session(setup.policy, setup.cache, outlook or _quietly, setup.today, setup.batch_timeout, filler)

    def answer(question: Question | Assignment, interrupts: list[int]) -> Answer:
        model, dataset = setup.models[question.model], setup.datasets[question.dataset]
        start = time.perf_counter()
        result = Answer(question.model, question.key)
        try:
            with nullcontext() if outlook is None else outlook.during(session, model, dataset, question):
                if isinstance(question, Assignment):
                    result = replace(result, tally=session.embed(model, dataset, question.part))
                else:
                    cell, setting = session.ask(model, dataset, question)
                    result = replace(result, cell=cell, setting=setting)
            result = replace(result, digest=model.digest)
        except UserError as mistake:
            log.debug("%s", question.key, exc_info=mistake)
            result = replace(result, mistake=mistake.line(setup.spell), last=isinstance(mistake, HangError))
        except BaseException as error:
            if interrupts:
                raise
            log.debug("%s", question.key, exc_info=error)
            result = replace(result, cell=question.error(because(error)))
        return replace(result, device=device_name(), seconds=time.perf_counter() - start)

    return answer


def _quietly(total: int, title: str) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _: None)


def _write(answers: IO[bytes], line: bytes) -> None:
    answers.write(line)
    answers.flush()
