"""The cases whose vectors come from elsewhere: what is released, what is blocked, and what whole sessions refuse."""

from __future__ import annotations

import pytest

import reprcheck
from tests.cases import write_case

POLICY = 'schema = 1\ntwins = 2\nmin_units = 10\nrepeats = 1\nsettings = ["*:t/knn/1"]\n'


@pytest.fixture
def asked(tmp_path):
    """Write a case and the policy: ``asked("emb_rangeindex", "vectors.npy")`` returns a SPEC, a folder and a policy."""

    def write(case: str, file: str):
        folder = write_case(case, tmp_path / case)
        (tmp_path / "policy.toml").write_text(POLICY)
        return f"emb:{folder / file}", folder, tmp_path / "policy.toml"

    return write


@pytest.fixture
def judge(asked, tmp_path):
    """Judge a file of a case."""
    return lambda *names: reprcheck.check(*asked(*names), cache_dir=tmp_path / "cache")


def test_profiles_of_noise_are_blocked_for_their_features_alone(judge):
    card = judge("emb_metadata_columns", "profiles.parquet")
    assert card.gate.outcome == "not_enough_evidence"
    (setting,) = card.settings
    assert setting.qualification == "no_signal"
    assert setting.scores["model"]["mean"] < 0.7
    assert (
        "Vectors: 6 columns ('Cells_Texture_0' to 'Cells_Texture_5') of rank 6; rows by sample id (id)."
        in setting.notes
    )


def test_vectors_in_the_order_of_the_table_are_released(judge):
    card = judge("emb_rangeindex", "vectors.npy")
    assert card.gate.outcome == "released"
    (setting,) = card.settings
    assert setting.scores["model"]["mean"] == 1.0
    assert "Vectors: 4 columns of rank 4; rows in the order of the table." in setting.notes
    assert any("may have been fitted with these labels" in note for note in setting.notes)


@pytest.mark.parametrize(
    ("case", "file", "words"),
    [
        ("emb_rangeindex", "vectors.parquet", "has no sample ids (pandas' own index counts rows"),
        ("emb_nan_features", "nan.parquet", "'Cells_AreaShape_2' is NaN for 3 of 96 samples ('4', '41', '78')"),
    ],
)
def test_what_can_t_be_matched_or_counted_is_refused(gate, asked, case, file, words):
    spec, folder, policy = asked(case, file)
    outcome = gate(f"--model={spec}", f"--dataset={folder}", f"--policy={policy}")
    assert outcome.status == 4
    assert outcome.text.count(words) == 1
    assert not ((outcome.report / "scorecard.json").exists() and outcome.card["gate"]["released"])
    assert "Traceback" not in outcome.text
