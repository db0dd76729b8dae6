"""The registry of structural columns: one list for names, values and documentation."""

import re
from pathlib import Path

import numpy as np
import pytest

from reprcheck.baselines.structure import stain
from reprcheck.baselines.structure.features import MEASURES, feature_names, measure_objects, of_types
from reprcheck.baselines.structure.measures import ALONE, EMPTY
from tests.baselines.fields import disks, random_field

TYPES = ("a", "b", "c")
REGISTERED = (*MEASURES, *of_types(TYPES))
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/structure.md").read_text(encoding="utf-8")


def test_the_page_is_current(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from columns_in_docs import filled

    assert filled("structure.md") == PAGE
    assert all(f"`{one.columns[0].removesuffix('.mean')}" in PAGE for one in MEASURES)


def test_every_source_of_a_year_is_on_the_page():
    named = {name for one in (*REGISTERED, *stain.MEASURES) for name in re.findall(r"[^;]+ \d{4}", one.source)}
    assert named
    for name in named:
        assert f"\n- {name.strip()}: " in PAGE, name


def test_every_column_is_named_once_and_documented():
    names = feature_names(TYPES)
    assert len(set(names)) == len(names) == len(feature_names()) + 3 + 2 + 6 + 3
    assert tuple(measure_objects(random_field(0), None, TYPES)) == names
    assert tuple(measure_objects(random_field(0))) == feature_names()
    assert all(one.definition and one.zero_for for one in REGISTERED)
    assert not any("|" in text for one in REGISTERED for text in (one.definition, one.source, one.zero_for, one.unit))


@pytest.mark.parametrize(("centres", "undefined"), [([], {EMPTY, ALONE}), ([(40, 40)], {ALONE})], ids=["none", "one"])
def test_what_is_undefined_is_zero(centres, undefined):
    got = measure_objects(disks(80, centres, [4] * len(centres)), None, TYPES)
    for one in REGISTERED:
        if one.zero_for in undefined:
            np.testing.assert_array_equal([got[name] for name in one.columns], 0)
