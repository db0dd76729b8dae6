"""Reports are chosen by name, written beside the scorecard, and change nothing of what was decided."""

import json
import re
from pathlib import Path

import pytest

from reprcheck.errors import UserError
from reprcheck.policy import Policy
from reprcheck.registry import REPORTERS
from reprcheck.reporters.reporter import Reporter, choose_reports
from reprcheck.scorecard.collect import undecided
from reprcheck.scorecard.report_folder import ReportFolder
from tests.installed import forget, write_metadata
from tests.scorecards import demo_scorecard, released_scorecard

GATE = (Path(__file__).resolve().parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
UNDECIDED = undecided({"spec": "demo", "name": "demo", "digest": "unknown"}, Policy(), {}, "the run hasn't ended")


@pytest.mark.parametrize("name", REPORTERS.own)
def test_each_draws_every_scorecard_alike_each_time_and_has_its_row(name):
    (report,) = choose_reports(name)
    for card in (demo_scorecard(), released_scorecard(), UNDECIDED):
        assert report.render(card) == report.render(card)
        assert b"demo" in report.render(card) or not card.cells
    assert re.search(rf"^\| `{name}`.*\| `{re.escape(report.file)}` \|", GATE, re.MULTILINE)


class Lines(Reporter):
    suffix = ".txt"

    def render(self, scorecard):
        return f"{scorecard.gate.outcome}\n"


class Fails(Reporter):
    suffix = ".fails.txt"

    def __init__(self, how=lambda: 1 / 0):
        self.how = how

    def render(self, scorecard):
        return self.how()


class Escapes(Lines):
    suffix = "/../../released"


class Overwrites(Lines):
    suffix = ".json"


LINES, FAILS, EXITS, NOTHING = Lines(), Fails(), Fails(exit), Fails(lambda: None)
ESCAPES, OVERWRITES, NO_REPORTER = Escapes(), Overwrites(), object()


@pytest.fixture
def extensions(tmp_path, monkeypatch):
    names = ("LINES", "FAILS", "EXITS", "NOTHING", "ESCAPES", "OVERWRITES", "NO_REPORTER")
    entries = {name.lower(): f"{__name__}:{name}" for name in names} | {"twice": f"{__name__}:LINES"}
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    write_metadata(tmp_path / "site", "reprcheck.reporters", "alpha", "2.0", entries)
    forget(REPORTERS)
    yield
    forget(REPORTERS)


@pytest.mark.usefixtures("extensions")
def test_reports_are_chosen_by_name():
    assert [report.name for report in choose_reports(None)] == ["markdown"]
    assert [report.file for report in choose_reports("lines, markdown,lines")] == ["scorecard.txt", "scorecard.md"]
    assert choose_reports("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("markdwn", r"reports=markdwn: no reporter named 'markdwn'; did you mean markdown\?"),
        (
            "no_reporter",
            r"the reporter 'no_reporter' of alpha 2\.0 can't be loaded: TypeError: .* is no Reporter; repair",
        ),
        ("escapes", r"escapes can't write scorecard/\.\./\.\./released"),
        ("overwrites", r"overwrites can't write scorecard\.json"),
        ("lines,twice", r"reports=lines,twice: lines and twice both write scorecard\.txt; ask for one of them"),
    ],
)
@pytest.mark.usefixtures("extensions")
def test_what_cannot_be_written_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        choose_reports(text)


@pytest.mark.parametrize("name", ["fails", "exits", "nothing"])
@pytest.mark.usefixtures("extensions")
def test_a_reporter_that_fails_changes_no_verdict(tmp_path, name):
    folder, card = ReportFolder(tmp_path / "latest", "r1"), demo_scorecard()
    folder.replace([card])
    record = (folder.path / "scorecard.json").read_bytes()
    missing = folder.replace([card], choose_reports(f"{name},lines"))
    assert [str(one) for one in missing] == [
        f"reports={name}: the reporter {name!r} of alpha 2.0 raised {reason(name)}; report it to the authors of alpha"
    ]
    assert (folder.path / "scorecard.json").read_bytes() == record
    assert (folder.path / "scorecard.txt").read_text() == f"{card.gate.outcome}\n"
    assert json.loads((folder.path / "run.json").read_text())["outcome"] == card.gate.outcome


def reason(name):
    return {
        "fails": "ZeroDivisionError: division by zero",
        "exits": "SystemExit: None",
        "nothing": "AttributeError: 'NoneType' object has no attribute 'encode'",
    }[name]


@pytest.mark.usefixtures("extensions")
def test_a_report_does_not_outlive_the_run_that_wrote_it(tmp_path):
    folder, cards = ReportFolder(tmp_path / "latest", "r1"), [demo_scorecard()]
    folder.replace(cards, choose_reports("markdown,lines"))
    (folder.path / "scorecard.of-mine.txt").write_text("kept")
    folder.replace(cards, choose_reports("markdown"))
    assert {path.name for path in folder.path.iterdir()} == {
        *("run.json", "scorecard.json", "scorecard.md", "scorecard.of-mine.txt")
    }


@pytest.mark.parametrize(
    "name", ["../kept.txt", "kept.txt", "scorecard/../kept.txt", "scorecard." + "x" * 300, "run.json", 3]
)
def test_an_index_cannot_name_what_is_no_report(tmp_path, name):
    folder, cards = ReportFolder(tmp_path / "latest", "r1"), [demo_scorecard()]
    folder.replace(cards)
    kept = [tmp_path / "kept.txt", folder.path / "kept.txt"]
    for path in kept:
        path.write_text("kept")
    index = json.loads((folder.path / "run.json").read_text())
    (folder.path / "run.json").write_text(json.dumps({**index, "reports": [name]}))
    folder.replace(cards)
    assert all(path.exists() for path in kept)
