"""Encoders that know one thing, on tasks with one cause: each gets the verdict it deserves.

The table says what each toy may be told. ``pass`` must be a pass; ``-`` must be anything else: a toy that doesn't know
the cause may fail or leave the question open, but never passes. Where the cause itself is brightness, nobody passes
``beyond_intensity``; where it is a count or a shape, nobody passes ``beats_structure``; where there is none, nobody
passes anything.
"""

import pytest

import reprcheck
from reprcheck.policy import Policy

POLICY = Policy(twins=3, settings=("*/probe/1",))
TOYS = {
    "brightness": "py:reprcheck.testing.toys:brightness",
    "count": "py:reprcheck.testing.toys:count",
    "shape": "py:reprcheck.testing.toys:shape",
    "localisation": "py:reprcheck.testing.toys:localisation",
    "texture": "py:reprcheck.testing.toys:texture",
    "constant": "py:reprcheck.testing.toys:constant",
    "untrained": "demo?seed=1",
    "demo": "demo",
}
DIAGNOSTICS = ("beats_untrained", "beats_structure", "beyond_intensity")
NOBODY = dict.fromkeys(TOYS, ("-", "-", "-"))
EVERYTHING = ("pass", "pass", "pass")
EXPECTED = {
    "sim-culture": {
        "localisation": {**NOBODY, "localisation": EVERYTHING, "demo": EVERYTHING},
        "texture": {**NOBODY, "texture": EVERYTHING, "demo": EVERYTHING},
    },
    "sim-culture-known": {
        "brightness": NOBODY,
        "count": NOBODY,
        "shape": NOBODY,
        "nothing": NOBODY,
    },
    "sim-tissue": {
        "arrangement": {**NOBODY, "demo": EVERYTHING},
        "localisation": {**NOBODY, "demo": EVERYTHING},
    },
    "sim-tissue-known": {
        "brightness": NOBODY,
        "count": NOBODY,
        "shape": NOBODY,
        "nothing": NOBODY,
    },
}


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("known")


@pytest.mark.parametrize("dataset", EXPECTED)
def test_each_toy_gets_the_verdict_it_deserves(dataset, cache):
    seen, expected = {}, {}
    for toy, spec in TOYS.items():
        card = reprcheck.check(spec, dataset, POLICY, cache_dir=cache)
        statuses = {(cell.setting.split(":")[1].split("/")[0], cell.diagnostic): cell.status for cell in card.cells}
        for task, deserved in EXPECTED[dataset].items():
            expected[task, toy] = deserved[toy]
            given = (statuses[task, diagnostic] for diagnostic in DIAGNOSTICS)
            seen[task, toy] = tuple("pass" if status == "pass" else "-" for status in given)
    assert seen == expected
