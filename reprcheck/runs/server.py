"""What runs in the process of a `reprcheck.runs.child.Child`: it answers the gate's questions, one after the other.

Questions come pickled on standard input, answers go to standard output as lines of JSON; a blank line asks the gate to
end the line that it is writing, so that something may be written below it.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import IO

from reprcheck.embed.workers import HangError
from reprcheck.errors import UserError
from reprcheck.runs.child import BELOW, GRACE, Answer, Setup, kill_group
from reprcheck.runs.embed import Assignment
from reprcheck.runs.questions import Question


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
        kill_group(os.getpid())
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
    log = logging.getLogger(__name__)
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
