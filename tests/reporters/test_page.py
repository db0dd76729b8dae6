"""The page for people: what it says, that it asks for nothing, and that no name does anything in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from reprcheck.policy import Policy
from reprcheck.reporters.advice import next_steps
from reprcheck.reporters.glossary import WORDS, explain
from reprcheck.reporters.methods import methods
from reprcheck.reporters.page import HTML
from reprcheck.scorecard.collect import undecided
from reprcheck.types import Gate
from tests.reporters.test_forms import HOSTILE, hostile_scorecard
from tests.scorecards import a_cell, a_setting, demo_scorecard, released_scorecard

UNDECIDED = undecided({"spec": "demo", "name": "demo", "digest": "unknown"}, Policy(), {}, "the run hasn't ended")
VOID = {"meta", "br", "input"}
COMPARISON = {"reference": "untrained", "effect": 0.1, "low": 0.0, "high": 0.2, "margin": 0.02, "units_needed": 7}


class Page(HTMLParser):
    """What a page is made of; fails where tags don't match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def values(self, name):
        return [value for _, known_as, value in self.attributes if known_as == name]


def big_scorecards(n_datasets=20, n_models=3):
    """Return scorecards as large as people have them: 40 settings of 12 encoders, 160 verdicts of 5 comparisons."""
    ids = [f"set{k:02d}:{task}/knn/1" for k in range(n_datasets) for task in ("compound", "site")]
    scores = {
        name: {"mean": 0.5, "low": 0.4, "high": 0.6} for name in ["model", *(f"reference-{k}" for k in range(11))]
    }
    landmarks = {"chance": 0.25, "ceiling": 1.0, "noise": 0.07, "relation": 0.6, "permuted": 0.4}
    settings = tuple(a_setting(id=name, scores=scores, landmarks=landmarks, notes=(f"note on {name}",)) for name in ids)
    details = {"comparisons": [COMPARISON] * 5}
    cells = tuple(
        a_cell(setting=name, diagnostic=diagnostic, details=details)
        for name in ids
        for diagnostic in Policy().diagnostics
    )
    return [
        released_scorecard(
            model={"spec": f"m{k}", "name": f"m{k}", "digest": f"{k}f" * 20}, settings=settings, cells=cells
        )
        for k in range(n_models)
    ]


CARDS = {
    "blocked": [demo_scorecard()],
    "released": [released_scorecard()],
    "undecided": [UNDECIDED],
    "hostile": [hostile_scorecard()],
    "two": [demo_scorecard(), released_scorecard(model={"spec": "demo?seed=1", "name": "demo", "digest": "77" * 20})],
    "large": big_scorecards(),
}


@pytest.fixture(scope="module", params=CARDS)
def page(request):
    text = HTML.render_together(CARDS[request.param])
    assert len(text.encode()) < 5_000_000
    return Page(text)


def test_it_holds_together_and_asks_for_nothing(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert all(link.startswith("#") and link[1:] in ids for link in page.values("href"))
    assert {page.attributes[k][0] for k, (_, name, _) in enumerate(page.attributes) if name == "src"} == set()
    assert not any(name.startswith("on") or name in ("style", "srcset", "action") for _, name, _ in page.attributes)
    assert page.values("content")[1].startswith("default-src 'none'")


def test_every_word_underlined_is_explained(page):
    assert set(page.values("data-means")) <= set(WORDS.values())


def test_what_was_decided_comes_first_then_what_blocks_then_what_to_do():
    text = Page(HTML.render(demo_scorecard())).text
    places = [text.index(part) for part in ("BLOCKED", "What blocks", "What to do next", "Verdicts", "Methods")]
    assert places == sorted(places)
    for reason in demo_scorecard().gate.blocked_by:
        assert reason.rpartition(": ")[2] in text
    assert "Nothing: every required verdict is in" in Page(HTML.render(released_scorecard())).text
    assert "the run hasn't ended" in Page(HTML.render(UNDECIDED)).text


def test_every_cell_and_every_score_is_shown():
    card = demo_scorecard()
    text = HTML.render(card)
    assert text.count('<tr class="row"') == len(card.cells)
    assert "+0.132 [+0.087, +0.178]" in text
    assert all(f"{scores['mean']:.3f}" in text for setting in card.settings for scores in setting.scores.values())
    assert "the dose is a staining intensity here" in text  # the waiver's reason
    assert "cut down to 200 by a limit" in text


def test_two_scorecards_stand_side_by_side_though_they_are_called_alike():
    text = Page(HTML.render_together(CARDS["two"])).text
    assert "2 scorecards side by side" in text
    assert "demo 77777777 (2)" in text
    assert {"BLOCKED", "released"} <= set(text.split())


def test_diagnostics_that_failed_as_often_come_by_name() -> None:
    names = [f"asks_{letter}" for letter in "fadbec"]
    cells = tuple(a_cell(diagnostic=name, status="fail") for name in names)
    reasons = tuple(f"{cell.setting} {cell.diagnostic}: fail: {cell.statement}" for cell in cells)
    steps = next_steps(released_scorecard(cells=cells, gate=Gate("blocked", reasons)))
    assert [step.partition(" ")[0] for step in steps] == sorted(names)


def test_what_to_do_next_follows_from_the_numbers():
    steps = " ".join(next_steps(demo_scorecard()))
    assert "1 verdict could not be computed (sim-tissue:tumour-margin/probe/2 beyond_intensity)" in steps
    assert "beats_structure failed in 1 setting: the model is no better than structure" in steps
    assert "sim-tissue:region/probe/2: an encoder that nobody trained is at the ceiling already" in steps
    assert "The closest call was" not in steps
    (step,) = next_steps(released_scorecard(cells=(a_cell(), a_cell(diagnostic="closer", low=0.0201))))
    assert "closest call was sim-culture:localisation/probe/2 closer: its lower bound lies 0.000 above" in step


def test_how_many_more_units_is_said_for_each_task():
    cells = tuple(
        a_cell(diagnostic=f"d{k}", status="inconclusive", details={"units_needed": needed})
        for k, needed in enumerate((40, 90, None))
    )
    reasons = tuple(f"{cell.setting} {cell.diagnostic}: inconclusive" for cell in cells)
    enough, hopeless = next_steps(released_scorecard(cells=cells, gate=Gate("not_enough_evidence", reasons)))
    assert enough.startswith("sim-culture:localisation: Between 40 and 90 units, where 24 were judged, would let")
    assert "the most in d1" in enough
    assert "(d2 by probe/2)" in hopeless


def test_methods_are_made_from_the_policy():
    policy = Policy(alpha=0.01, margins={"beats_untrained": 0.05}, resample="batch", twins=7, sample=900)
    text = " ".join(methods(released_scorecard(policy=policy.plain())))
    for said in ("error rate of 0.01", "beats_untrained: 0.05", "over batches", "7 draws", "about 900 samples"):
        assert said in text
    assert len(methods(released_scorecard(policy={}))) == 1


def test_encoders_are_explained_by_what_they_know():
    assert (
        explain("structure, expanded") == "it knows layout, and was not trained; with random nonlinear functions of it"
    )
    assert explain("intensity, expanded, in bits").startswith("it knows brightness")
    assert explain("something else") == ""


def test_a_diagnostic_that_is_not_installed_is_shown_all_the_same():
    card = demo_scorecard(
        cells=(a_cell(diagnostic="gone", status="fail"),),
        gate=Gate("blocked", ("sim-culture:localisation/probe/2 gone: fail: of an extension",)),
    )
    assert "See what its documentation proposes." in Page(HTML.render(card)).text


DRIVE = """<script>
const form = document.querySelector(".filters"), said = [];
const shown = () => [...document.querySelectorAll("tr.row")].filter((row) => row.offsetParent !== null).length;
const choose = (name, value) => {
  form.elements[name].value = value;
  form.dispatchEvent(new Event("input", { bubbles: true }));
  said.push(name + " " + shown() + " " + form.querySelector("output").textContent);
};
said.push("all " + shown());
choose("text", "tumour");
choose("text", "");
choose("dataset", "1");
form.querySelector("[value=pass]").checked = false;
choose("dataset", "");
form.reset();
setTimeout(() => {
  said.push("reset " + shown());
  said.push("requests " + performance.getEntriesByType("resource").length);
  said.push("wide " + (document.documentElement.scrollWidth > innerWidth));
  document.title = said.join("; ");
}, 50);
</script></body>"""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell"))), None)


def browse(page, width):
    """Return the title that a page ends with, and what its console says."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--enable-logging=stderr"]
    command = [CHROMIUM, *options, f"--window-size={width},900", "--dump-dom", page.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    return re.search(r"<title>(.*?)</title>", ended.stdout)[1], console


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_filters_work_in_a_browser_and_nothing_leaves_it(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(HTML.render(demo_scorecard()).replace("</body>", DRIVE), encoding="utf-8")
    title, console = browse(page, 390)
    assert console == []
    assert title.split("; ") == [
        "all 15",
        "text 3 3 of 15 verdicts shown",
        "text 15 15 of 15 verdicts shown",
        "dataset 6 6 of 15 verdicts shown",
        "dataset 8 8 of 15 verdicts shown",
        "reset 15",
        "requests 0",
        "wide false",
    ]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_hostile_names_do_nothing_in_a_browser(tmp_path):
    assert "<script>" in HOSTILE
    page = tmp_path / "page.html"
    script = (
        "<script>document.title = `${window.alerted} ${document.documentElement.scrollWidth > innerWidth}`</script>"
    )
    text = HTML.render_together([hostile_scorecard(), demo_scorecard()])
    page.write_text(
        text.replace("<head>", "<head><script>alert = () => (alerted = 1)</script>").replace(
            "</body>", f"{script}</body>"
        ),
        encoding="utf-8",
    )
    assert browse(page, 390) == ("undefined false", [])
