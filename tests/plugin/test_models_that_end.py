"""Models whose code ends the program: the gate lives, says so, and is never green."""

from __future__ import annotations

import signal

import pytest

from tests.plugin.attacks import ERRORS, GONE, MISTAKES, TRAINING, one_outcome


@pytest.fixture
def attacked(gate, place):
    """Run the gate on one of `MODELS`."""
    return lambda model, *options, **how: gate(f"--model=py:{place}/attack.py:{model}", *options, **how)


WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])


@WORKERS
@pytest.mark.parametrize("model", MISTAKES)
def test_code_that_would_end_the_program_is_the_users_mistake(attacked, model, workers):
    found = attacked(model, *workers)
    assert (found.status, one_outcome(found)) == (4, "undecided"), found.text
    (line,) = [line for line in found.text.splitlines() if line.startswith("ERROR: ")]
    assert f"attack.py:{model}: " in line
    assert MISTAKES[model] in line
    assert "Traceback" not in found.text


@pytest.mark.parametrize("model", ERRORS)
def test_a_process_that_ends_is_an_error(attacked, model):
    found = attacked(model)
    assert found.status == 1, found.text
    all_are_errors(found, model)


def test_processes_that_end_are_errors_of_one_worker(gate, place):
    found = gate(*(f"--model=py:{place}/attack.py:{model}" for model in ERRORS), "-n", "1")
    assert found.status == 1, found.text
    all_are_errors(found, *ERRORS)


def all_are_errors(found, *models):
    """All cells of these models and of no others are errors, each for its reason, and nothing else blocks."""
    cards = {card["model"]["name"]: card for card in found.cards}
    assert cards.keys() == {f"attack.{model}" for model in models}
    for model in models:
        card = cards[f"attack.{model}"]
        assert card["gate"]["outcome"] == "blocked", model
        assert {(c["status"], ERRORS[model] in c["statement"]) for c in card["cells"]} == {("error", True)}, model
        assert len(card["gate"]["blocked_by"]) == 4, model
    assert "deselected" not in found.text
    assert "Traceback" not in found.text


def test_a_model_that_hangs_is_the_users_mistake(attacked):
    found = attacked("hangs", "--batch-timeout=1")
    assert (found.status, one_outcome(found)) == (4, "undecided"), found.text
    (line,) = [line for line in found.text.splitlines() if line.startswith("ERROR: ")]
    assert "a batch of 32 images has run for more than 1 s" in line
    assert "--batch-timeout=SECONDS gives it longer" in line


@pytest.mark.parametrize("model", ["breaks_a_protocol", "encode_leaves"])
def test_a_traceback_is_for_those_who_ask(attacked, model):
    assert "Traceback (most recent call last)" in attacked(model, "--reprcheck-debug").text


@pytest.mark.parametrize("model", ["answers_for_itself", "leaves_at_exit", "forks"])
def test_what_a_model_prints_or_does_at_exit_changes_no_verdict(attacked, model):
    found = attacked(model)
    assert (found.status, one_outcome(found)) == (10, "not_enough_evidence"), found.text
    assert "pass" not in found.statuses.values()
    assert len(found.statuses) == 4


def test_a_model_that_ends_the_gate_leaves_it_undecided(attacked):
    found = attacked("terminates_the_gate", fresh=True)
    assert found.status == -signal.SIGTERM
    assert one_outcome(found) == "undecided"


@pytest.mark.parametrize(
    ("source", "expected", "words"),
    [(TRAINING, 4, "importing train.py raised SystemExit: 0"), (GONE, 1, "ended itself with exit status 0")],
)
@WORKERS
def test_a_training_script_that_ends_the_program(gate, tmp_path, source, expected, words, workers):
    (tmp_path / "train.py").write_text(source)
    found = gate(f"--model=py:{tmp_path}/train.py:model", *workers)
    assert found.status == expected, found.text
    assert words in " ".join(found.text.split())
    one_outcome(found)
