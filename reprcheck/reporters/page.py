"""``scorecard.html``: a page for people, in one file that asks for nothing beside itself; several scorecards abreast.

What is decided and what blocks stand first, then what to do next, every verdict, every encoder's score, and how all of
it came about. The template prints; what it prints is worked out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reprcheck.reporters import wording
from reprcheck.reporters.advice import next_steps, question
from reprcheck.reporters.forest import effects_axis, places
from reprcheck.reporters.glossary import WORDS, encoders_explained, explain
from reprcheck.reporters.methods import methods, questions
from reprcheck.reporters.plot import Axis, axis, is_number, shorten
from reprcheck.reporters.reporter import Reporter
from reprcheck.reporters.templates import render
from reprcheck.types import MODEL, Cell, Scorecard, Setting

_TEMPLATES = Path(__file__).parent / "templates"


class Html(Reporter):
    """``scorecard.html``."""

    suffix = ".html"

    def render(self, scorecard: Scorecard) -> str:
        """Return the page of one scorecard."""
        return self.render_together([scorecard])

    def render_together(self, scorecards: Sequence[Scorecard]) -> str:
        """Return the page; several scorecards stand side by side, in the order given."""
        cells = tuple(cell for card in scorecards for cell in card.cells)
        settings = [setting for card in scorecards for setting in card.settings]
        names = wording.encoders(settings)
        return render(
            "page.html",
            style=Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8")),
            script=Markup((_TEMPLATES / "page.js").read_text(encoding="utf-8")),
            models=[_model(card, k, scorecards) for k, card in enumerate(scorecards)],
            datasets=_datasets(scorecards),
            diagnostics=sorted({cell.diagnostic for cell in cells}),
            statuses=[s for s in wording.STATUSES if any(cell.status == s for cell in cells)],
            n_cells=len(cells),
            legend=wording.legend(cells),
            scale=effects_axis(cells),
            notes=wording.notes(settings),
            words=WORDS,
            encoders=encoders_explained(name for name in names if name != MODEL),
        )


HTML = Html()


def _model(card: Scorecard, k: int, cards: Sequence[Scorecard]) -> dict[str, Any]:
    """Return what the page says of one scorecard as a whole."""
    against = wording.blocking(card)
    digests = {s.dataset: s.dataset_digest for s in sorted(card.settings, key=lambda s: s.id)}
    return {
        "card": card,
        "name": _name(card, k, cards),
        "outcome": wording.outcome(card),
        "tally": wording.tally(card.cells),
        "blocking": _by_diagnostic([c for c in against if c.status != "inconclusive"]),
        "unsettled": _by_diagnostic([c for c in against if c.status == "inconclusive"]),
        "others": wording.other_reasons(card),
        "waived": wording.waived(card),
        "open": wording.left_open(card),
        "steps": next_steps(card),
        "methods": methods(card),
        "questions": questions(card),
        "digests": digests,
        "run": {name: value for name, value in card.run.items() if isinstance(value, str)},
        "versions": _mapping(card.run.get("versions")),
        "policy": {name: _plain(value) for name, value in card.policy.items() if name != "waivers"},
        "waivers": card.policy.get("waivers", ()),
    }


def _by_diagnostic(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return cells under what each asks; broken ones first."""
    names = dict.fromkeys(cell.diagnostic for cell in sorted(cells, key=lambda cell: cell.status != "error"))
    return [
        {"name": name, "asked": question(name), "cells": [cell for cell in cells if cell.diagnostic == name]}
        for name in names
    ]


def _name(card: Scorecard, k: int, cards: Sequence[Scorecard]) -> str:
    """Return a model's name; where two are called alike, their digests tell them apart."""
    alike = [other for other in cards if other.model["name"] == card.model["name"]]
    return str(card.model["name"]) if len(alike) == 1 else f"{card.model['name']} {card.model['digest'][:8]} ({k + 1})"


def _datasets(cards: Sequence[Scorecard]) -> list[dict[str, Any]]:
    """Return the datasets of all scorecards, with their settings, and in each the cells and scores of each model."""
    cells: dict[str, dict[str, list[tuple[int, Cell]]]] = {}
    for k, card in enumerate(cards):
        for dataset, by_setting in wording.by_dataset(card).items():
            for setting, mine in by_setting.items():
                cells.setdefault(dataset, {}).setdefault(setting, []).extend((k, cell) for cell in mine)
        for described in card.settings:
            cells.setdefault(described.dataset, {}).setdefault(described.id, [])
    scale = effects_axis(tuple(cell for card in cards for cell in card.cells))
    return [
        {"name": dataset, "settings": [_setting(name, dataset, mine, cards, scale) for name, mine in settings.items()]}
        for dataset, settings in sorted(cells.items())
    ]


def _setting(
    name: str, dataset: str, cells: Sequence[tuple[int, Cell]], cards: Sequence[Scorecard], scale: Axis
) -> dict[str, Any]:
    order = list(dict.fromkeys(cell.diagnostic for _, cell in cells))
    ordered = sorted(cells, key=lambda pair: (order.index(pair[1].diagnostic), pair[0]))
    described = [(k, s) for k, card in enumerate(cards) for s in card.settings if s.id == name]
    return {
        "id": name,
        "short": wording.within(dataset, name),
        "qualification": wording.spaced(described[0][1].qualification) if described else "not described",
        "rows": [{"model": k, "cell": cell, **places(cell, scale)} for k, cell in ordered],
        "ladders": [_ladder(k, setting) for k, setting in described],
        "comparisons": [(k, cell, row) for k, cell in ordered for row in _comparisons(cell)],
    }


def _ladder(k: int, setting: Setting) -> dict[str, Any]:
    """Return the scores of a setting on the scale from chance to the ceiling, the best first."""
    marks = {name: setting.landmarks.get(name) for name in ("chance", "ceiling")}
    known = {name: value for name, value in marks.items() if is_number(value)}
    intervals = [value for scores in setting.scores.values() for value in scores.values()]
    scale = axis([*known.values(), *intervals], around=known.get("chance", 0.0))
    rows = [
        {
            "name": name,
            "label": "the model" if name == MODEL else shorten(name, 22),
            "is_model": name == MODEL,
            "means": "" if name == MODEL else explain(name),
            "mean": scores["mean"],
            "at": scale.place(scores["mean"]),
            "low_at": _at(scale, scores.get("low")),
            "high_at": _at(scale, scores.get("high")),
        }
        for name, scores in sorted(setting.scores.items(), key=lambda item: (-item[1]["mean"], item[0]))
    ]
    lines = [(name, wording.score(value), scale.place(value)) for name, value in known.items()]
    ticks = [tick for tick in scale.ticks if tick <= known.get("ceiling", tick)]
    return {
        "model": k,
        "setting": setting,
        "rows": rows,
        "lines": lines,
        "ticks": [(f"{tick:g}", scale.place(tick)) for tick in ticks],
        "landmarks": {name: value for name, value in setting.landmarks.items() if is_number(value)},
    }


def _comparisons(cell: Cell) -> Iterable[Mapping[str, Any]]:
    """Return the comparisons with each reference that a cell rests on, where it tells them."""
    told = cell.details.get("comparisons", ())
    needed = ("reference", "effect", "low", "high", "margin")
    return [row for row in told if isinstance(row, Mapping) and all(name in row for name in needed)]


def _at(scale: Axis, value: float | None) -> float | None:
    return scale.place(value) if is_number(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> str:
    """Return a policy's value as a person writes it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
