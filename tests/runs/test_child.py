"""A process of its own for a model's code: what travels, and that neither side outlives the other's interest."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets import catalogue
from reprcheck.embed.cache import Cache
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from reprcheck.runs.child import Answer, Child, Setup
from reprcheck.runs.questions import Question, questions
from tests.minisets import write_dataset

MODELS = """
import os, stat, time
from pathlib import Path

HERE = Path(__file__).parent

def slow_once():
    "Sleeps for ever the first time it is made."
    if not (HERE / "made").exists():
        (HERE / "made").write_text(str(os.getpid()))
        time.sleep(600)
    return lambda x: x.mean((2, 3))

def forks():
    "Leaves a process behind that waits for ever."
    child = os.fork()
    if not child:
        time.sleep(600)
    (HERE / "made").write_text(str(child))
    return lambda x: x.mean((2, 3))

def hangs():
    "Makes a function that never returns."
    (HERE / "made").write_text(str(os.getpid()))
    return lambda x: time.sleep(600)

def takes_long():
    "Says that a run is long from its first second."
    import reprcheck.runs.outlook
    reprcheck.runs.outlook.LONG = reprcheck.runs.outlook.PATIENCE = 0.0
    def encode(x):
        raise RuntimeError("no weights today")
    return encode

def raises():
    raise RuntimeError("no weights today")

def answers_another():
    "Finds the pipe to the gate, and answers a question that nobody has asked."
    from reprcheck.runs.child import Answer
    line = Answer("toys.answers_another", ("other", "mini:state/knn/1", "beats_untrained")).dumps()
    for fd in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                os.write(fd, line.encode() + b"\\n")
        except OSError:
            pass
    return lambda x: x.mean((2, 3))
"""


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    labels = ["a", "b"] * 12
    write_dataset(tmp_path / "mini", labels=labels, units=[f"w{i:02d}" for i in range(24)])
    (tmp_path / "toys.py").write_text(MODELS)
    dataset = catalogue.load(tmp_path / "mini")
    model = resolve_model(f"py:{tmp_path}/toys.py:slow_once")
    policy = Policy(twins=2, repeats=1, settings=("*/knn/1",))
    return Setup({model.name: model}, {dataset.name: dataset}, policy, Cache(tmp_path / "cache"), date.today())


def one_question(setup: Setup) -> Question:
    return questions(setup.models, setup.datasets.values(), setup.policy)[0]


@pytest.mark.parametrize("name", catalogue.DEFAULT)
def test_simulated_datasets_travel(name: str) -> None:
    dataset = catalogue.load(name, limit=24)
    there = pickle.loads(pickle.dumps(dataset))
    assert there.digest == dataset.digest
    assert np.array_equal(there.images.read(0).pixels, dataset.images.read(0).pixels)


def test_a_folder_travels(setup: Setup) -> None:
    (dataset,) = setup.datasets.values()
    there = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(there.images.read(3).pixels, dataset.images.read(3).pixels)


def test_an_answer_comes_back_as_it_was(setup: Setup) -> None:
    question = one_question(setup)
    answer = Answer("m", question.key, question.error("it broke"), digest="d", device="cpu", seconds=1.5, died=True)
    assert Answer.loads(answer.dumps()) == answer


def wait_for(path: Path) -> int:
    while not path.exists() or not path.read_text():
        time.sleep(0.02)
    return int(path.read_text())


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"  # nobody has asked for its status


def test_a_gate_that_is_killed_leaves_no_process_behind(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "setup.pickle").write_bytes(pickle.dumps((setup, one_question(setup))))
    code = (
        "import pickle, sys\nfrom reprcheck.runs.child import Child\n"
        f"setup, question = pickle.load(open({str(tmp_path / 'setup.pickle')!r}, 'rb'))\n"
        "Child(setup).ask(question)\n"
    )
    gate = subprocess.Popen([sys.executable, "-c", code])
    child = wait_for(tmp_path / "made")
    assert not gone(child)
    gate.send_signal(signal.SIGKILL)
    gate.wait()
    while not gone(child):
        time.sleep(0.05)


@pytest.mark.usefixtures("forked")
def test_a_question_given_up_is_not_answered_to_another(setup: Setup, tmp_path: Path) -> None:
    """As by a time limit of another plugin's, which raises in the test that waits."""
    question = one_question(setup)

    def give_up(number: int, frame: object) -> None:
        raise TimeoutError("too slow")

    def lose_patience() -> None:
        wait_for(tmp_path / "made")
        os.kill(os.getpid(), signal.SIGALRM)

    with Child(setup) as child:
        before = signal.signal(signal.SIGALRM, give_up)
        threading.Thread(target=lose_patience).start()
        try:
            with pytest.raises(TimeoutError, match="too slow"):
                child.ask(question)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert gone(wait_for(tmp_path / "made"))
        answer = child.ask(Question(question.model, question.dataset, question.task, "knn/1", "beats_structure"))
    assert answer.cell is not None
    assert answer.cell.diagnostic == "beats_structure"
    assert answer.cell.status != "error"


@pytest.mark.usefixtures("forked")
def test_an_answer_to_another_question_is_an_error(setup: Setup, tmp_path: Path) -> None:
    model = resolve_model(f"py:{tmp_path}/toys.py:answers_another")
    setup = replace(setup, models={model.name: model})
    question = one_question(setup)
    with Child(setup) as child:
        answer = child.ask(question)
    assert (answer.asked, answer.died) == (question.key, True)
    assert answer.cell is not None
    assert answer.cell.status == "error"
    assert "answered another question" in answer.cell.statement


@pytest.mark.usefixtures("forked")
def test_what_a_model_has_started_ends_with_it(setup: Setup, tmp_path: Path) -> None:
    model = resolve_model(f"py:{tmp_path}/toys.py:forks")
    setup = replace(setup, models={model.name: model})
    with Child(setup) as child:
        answer = child.ask(one_question(setup))
        left = wait_for(tmp_path / "made")
        assert answer.cell is not None
        assert answer.asked == one_question(setup).key
        assert not gone(left)
    while not gone(left):
        time.sleep(0.05)


@pytest.mark.usefixtures("forked")
def test_a_process_in_which_a_model_hangs_ends_after_its_answer(setup: Setup, tmp_path: Path) -> None:
    hangs, raises = (resolve_model(f"py:{tmp_path}/toys.py:{name}") for name in ("hangs", "raises"))
    setup = replace(setup, models={hangs.name: hangs, raises.name: raises}, batch_timeout=1.0)
    with Child(setup) as child:
        answer = child.ask(replace(one_question(setup), model=hangs.name))
        assert answer.cell is None
        assert f"{hangs.name} (mini: {hangs.name} and 2 untrained): a batch of 24 images has run for" in answer.mistake
        assert gone(wait_for(tmp_path / "made"))
        assert "no weights today" in child.ask(replace(one_question(setup), model=raises.name)).mistake


@pytest.mark.usefixtures("forked")
def test_what_a_long_run_says_stands_below_what_the_gate_was_writing(
    setup: Setup, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = resolve_model(f"py:{tmp_path}/toys.py:takes_long")
    question = replace(one_question(setup), model=model.name)
    setup = replace(setup, models={model.name: model}, plan=[question])
    written: list[str] = []
    with Child(setup, lambda: written.append(capfd.readouterr().err)) as child:
        child.ask(question)
    assert "no weights today" not in "".join(written)
    lines = capfd.readouterr().err.splitlines()
    assert written[0] == ""
    assert lines[0].startswith("reprcheck: the first batches will show how long it takes on this machine; 0 of ")
    assert "; missing: mini 24 images × " in lines[0]
