"""What holds of every diagnostic and reference that ships: its docs, its calibration, and what reports need of it."""

import json
from pathlib import Path

import pytest

from reprcheck.baselines.reference import Baseline, Reference
from reprcheck.confounds.nuisance import Nuisance
from reprcheck.registry import DIAGNOSTICS, REFERENCES

ROOT = Path(__file__).resolve().parents[1]
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
KEPT = json.loads((ROOT / "reports" / "calibration" / "calibration.json").read_text(encoding="utf-8"))
SECTIONS = ("Question", "Statistic", "Reference", "Null", "Unit", "Margin", "How it can fool you", "Source")


@pytest.mark.parametrize("name", DIAGNOSTICS.own)
def test_a_diagnostic_documents_itself_and_has_a_row_in_the_docs(name):
    diagnostic = DIAGNOSTICS.get(name)
    assert diagnostic.name == name
    assert diagnostic.documentation.startswith(f"``{name}``: ")
    assert [section for section in SECTIONS if f"\n{section}\n    " not in diagnostic.documentation] == []
    assert f"\n| `{name}` | " in DOCS["scorecard.md"]


@pytest.mark.parametrize("name", DIAGNOSTICS.own)
def test_a_diagnostic_is_calibrated_by_a_study_whose_results_are_kept(name):
    studies = [line.split("|")[1].strip() for line in DOCS["audit.md"].splitlines() if f"`{name}`" in line]
    assert studies
    for study in studies:
        assert KEPT[study]["rows"]
        assert all(row["holds"] for row in KEPT[study]["rows"])


def test_letters_on_an_audit_s_scale_are_different():
    letters = [reference.letter for _, reference in REFERENCES.things() if reference.letter]
    assert len({*letters, "c", "m", "|"}) == len(letters) + 3


@pytest.mark.parametrize("name", REFERENCES.own)
def test_a_reference_says_what_it_knows_and_is_in_the_docs(name):
    reference = REFERENCES.get(name)
    assert isinstance(reference, Reference)
    assert reference.name == name
    assert reference.knows
    assert reference.heading.replace("-\n", "").replace("\n", "") in ("", name)
    assert all(probed.startswith(name) for probed in reference.probed)
    rows = [line.split("|")[1] for line in DOCS["scorecard.md"].splitlines() if line.startswith("| `")]
    assert any(f"`{name}`" in row for row in rows)


def test_what_tables_tell_and_what_images_tell_are_different_references():
    kinds = {name: (isinstance(r, Baseline), isinstance(r, Nuisance)) for name, r in REFERENCES.things()}
    assert set(kinds.values()) == {(True, False), (False, True), (False, False)}
    assert [name for name, kind in kinds.items() if kind == (False, False)] == ["untrained", "shuffled"]
