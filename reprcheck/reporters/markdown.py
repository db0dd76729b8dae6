"""The scorecard as a pull request's comment: the decision first, then what blocks it or was waived, then every verdict.

GitHub-flavoured Markdown. Names come from users, so they are escaped before they are written: they can't break a table,
bring in HTML, start a link or call a person. What a reader needs only now and then is folded away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.types import Cell, Scorecard, Setting

MARKER = "<!-- reprcheck scorecard -->"
"""First line of the comment: how a workflow finds the one to replace."""

_MARKS = {"pass": "✅", "fail": "❌", "error": "💥", "inconclusive": "❔", "waived": "🟦", "not_applicable": "➖"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", ".": "&#46;", ":": "&#58;"}
_RISKY = re.compile(
    r"[&<>|]"  # HTML, the border of a cell
    r"|[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])"  # emphasis, code, links, formulas; not the _ inside a name
    r"|(?<=www)\.|:(?=//)"  # what GitHub makes a link of by itself
    r"|(?<![\w/])@(?=\w)|#(?=\d)",  # people, and other issues
    re.IGNORECASE,
)


def render(scorecard: Scorecard) -> str:
    """Return the comment.

    Parameters
    ----------
    scorecard : Scorecard

    Returns
    -------
    str
        Markdown that begins with `MARKER` and ends with a newline; the same for the same scorecard.
    """
    parts = [
        MARKER,
        *_headline(scorecard),
        *_list("### Blocked by", scorecard.gate.blocked_by),
        *_list("### Waived", [wording.sentence(cell) for cell in wording.waived(scorecard)]),
        *_cells(scorecard),
        *_settings(scorecard),
        *_provenance(scorecard),
    ]
    return "\n\n".join(parts) + "\n"


class Markdown(Reporter):
    """``scorecard.md``."""

    suffix = ".md"

    def render(self, scorecard: Scorecard) -> str:
        """Return the comment."""
        return render(scorecard)


MARKDOWN = Markdown()


def escape(text: str) -> str:
    r"""Return text that Markdown shows as it is: on one line, in or out of a table.

    Examples
    --------
    >>> escape("a|b <b>\nbeats_untrained *")
    'a&#124;b &lt;b&gt; beats_untrained \\*'
    """
    return _RISKY.sub(lambda match: _neutralise(match[0]), wording.one_line(text))


def _neutralise(character: str) -> str:
    if character in "@#":
        return f"{character}&#8203;"  # a zero-width space: nobody is notified
    return _ENTITIES.get(character, f"\\{character}")


def _headline(card: Scorecard) -> list[str]:
    mark = "✅" if card.gate.released else "❌"
    name, spec, digest = (escape(card.model[key]) for key in ("name", "spec", "digest"))
    source = "" if spec == name else f", from {spec}"
    return [f"## {mark} {name}: {wording.outcome(card)}", f"{wording.tally(card.cells)}. Model {digest[:12]}{source}."]


def _list(title: str, sentences: Sequence[str]) -> list[str]:
    return [title, "\n".join(f"- {escape(sentence)}" for sentence in sentences)] if sentences else []


def _cells(card: Scorecard) -> list[str]:
    if not card.cells:
        return []
    settings = {setting.id: setting for setting in card.settings}
    titles = ["setting", "diagnostic", "verdict", "effect [low, high]", "margin", "model − ref.", "reference", "units"]
    parts = ["### Verdicts"]
    for dataset, by_setting in wording.by_dataset(card).items():
        rows = [_row(dataset, cell, settings) for cells in by_setting.values() for cell in cells]
        parts += [f"**{escape(dataset)}**", _table(titles, rows, numbers=("margin", "units"))]
    return [*parts, wording.legend(card.cells)]


def _row(dataset: str, cell: Cell, settings: Mapping[str, Setting]) -> list[str]:
    pair = wording.compared(cell, settings)
    setting = settings.get(cell.setting)
    qualification = "not described" if setting is None else wording.spaced(setting.qualification)
    return [
        escape(wording.within(dataset, cell.setting))
        + ("" if qualification == "discriminating" else f" ({qualification})"),
        escape(cell.diagnostic),
        f"{_MARKS[cell.status]} {wording.spaced(cell.status)}",
        wording.effect(cell),
        wording.score(cell.margin),
        wording.ABSENT if pair is None else " − ".join(map(wording.score, pair)),
        escape(cell.reference or wording.ABSENT),
        wording.ABSENT if cell.n_units is None else str(cell.n_units),
    ]


def _settings(card: Scorecard) -> list[str]:
    """Return every encoder's score in every setting, why cells don't count, and the notes; folded away."""
    settings = sorted(card.settings, key=lambda s: s.id)
    names = wording.encoders(settings)
    titles = ["setting", "qualification", "size", *map(escape, names)]
    rows = [
        [
            escape(s.id),
            wording.spaced(s.qualification),
            wording.size(s),
            *(_interval(s.scores[n]) if n in s.scores else wording.ABSENT for n in names),
        ]
        for s in settings
    ]
    body = [
        *([_table(titles, rows, numbers=titles[3:]), "Mean over units [low, high]."] if rows else []),
        *_list("#### Neither blocks nor releases", [wording.sentence(cell) for cell in wording.left_open(card)]),
        *_list("#### Notes", wording.notes(card.settings)),
    ]
    return _fold("Settings, scores and notes", body)


def _interval(interval: Mapping[str, float]) -> str:
    return f"{wording.score(interval['mean'])} [{wording.score(interval['low'])}, {wording.score(interval['high'])}]"


def _provenance(card: Scorecard) -> list[str]:
    """Return what the verdicts rest on: digests, policy, versions; folded away."""
    digests = {s.dataset: s.dataset_digest for s in sorted(card.settings, key=lambda s: s.id)}
    rows = [["model", escape(card.model["name"]), escape(card.model["digest"])]]
    rows += [["dataset", escape(name), escape(set_digest)] for name, set_digest in digests.items()]
    run = {key: card.run[key] for key in ("time", "device", "versions") if key in card.run}
    body = [_table(["what", "name", "digest"], rows), "Policy:", _json(card.policy)]
    return _fold("Provenance", [*body, *(["Run:", _json(run)] if run else [])])


def _json(values: object) -> str:
    """Return plain values as a code block, fenced by more backticks than they hold."""
    text = json.dumps(values, indent=2, sort_keys=True, default=str)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}json\n{text}\n{fence}"


def _fold(title: str, body: Sequence[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", *body, "</details>"] if body else []


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    rules = ["---:" if title in numbers else "---" for title in titles]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rules, *rows))
