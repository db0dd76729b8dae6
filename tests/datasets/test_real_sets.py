"""The eight real sets, where they lie beside the checkout: counts as their SOURCE.md tells them, and their traps."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.folder import open_folder
from reprcheck.errors import UserError

REPLACED = "probe/1 is scored as probe/2, which replaced it."
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not beside this checkout")

COUNTS = {
    ("jurkat", "phase"): (3374, 3374, 1, {"G1": 900, "G2": 900, "Metaphase": 68, "Prophase": 606, "S": 900}),
    ("jurkat", "phase_without_dna"): (
        *(3374, 3374, 1),
        {"G1": 900, "G2": 900, "Metaphase": 68, "Prophase": 606, "S": 900},
    ),
    ("tcell", "activation"): (852, 852, 6, {"activated": 302, "quiescent": 550}),
    ("tcell", "cell_type"): (852, 852, 6, {"CD3": 480, "CD8": 372}),
    ("bbbc013", "treatment"): (794, 4, 2, {"untreated": 451, "wortmannin_150nM": 343}),
    ("bbbc013", "localisation"): (198, 198, 2, {"CytoplasmicGFP": 80, "NoGFP": 59, "NuclearGFP": 59}),
    ("bbbc016", "dose"): (72, 24, 1, None),
    ("bbbc016", "active"): (24, 8, 1, {"active": 15, "control": 9}),
    ("cifar10", "object"): (
        *(1500, 1500, 1),
        dict.fromkeys(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"], 150),
    ),
    ("dsb2018", "count"): (541, 541, 8, None),
    ("mibi_dcis", "lesion"): (75, 69, 6, {"DCIS": 58, "IDC": 8, "normal": 9}),
    ("mibi_dcis", "receptor"): (75, 66, 6, {"ERHER2": 13, "LumA": 36, "LumB": 9, "NlBr": 8, "TNBC": 9}),
    ("mibi_dcis", "immune_share"): (79, 70, 6, None),
}
SHAPES = {
    "jurkat": (3, 40, 40),
    "tcell": (1, 104, 104),
    "bbbc013": (2, 128, 128),
    "bbbc016": (1, 512, 512),
    "cifar10": (3, 32, 32),
    "dsb2018": (1, 256, 256),
    "mibi_dcis": (20, 512, 512),
    "osteosarcoma": (3, 256, 256),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_real_set_resolves(name: str) -> None:
    dataset = open_folder(SHARED / name)
    assert dataset.name == name
    expected = {task: counts for (owner, task), counts in COUNTS.items() if owner == name}
    if name != "osteosarcoma":
        assert set(dataset.tasks) == set(expected)
    for key, (n, units, batches, classes) in expected.items():
        task = dataset.tasks[key]
        assert (len(task.rows), len(set(task.units)), len(set(task.batches))) == (n, units, batches)
        if classes is None:
            assert task.kind == "regress"
            assert np.ptp(task.y) > 0
        else:
            assert dict(zip(task.classes, np.bincount(task.y).tolist(), strict=True)) == classes
    for task in dataset.tasks.values():
        for row in task.rows[:: max(1, len(task.rows) // 7)]:
            image = dataset.images.read(int(row))
            assert image.pixels.shape == SHAPES[name]
            assert 0 <= image.pixels.min() < image.pixels.max() <= 1
            assert (image.mask is not None) == (name == "dsb2018")


def test_channels_and_controls() -> None:
    assert open_folder(SHARED / "jurkat").tasks["phase_without_dna"].channels == (0, 2)
    control = open_folder(SHARED / "bbbc016").tasks["dose"].control
    assert control is not None
    assert control.sum() == 9


def test_the_masks_of_dsb2018_hold_whole_labels() -> None:
    dataset = open_folder(SHARED / "dsb2018")
    task = dataset.tasks["count"]
    for row, nuclei in list(zip(task.rows, task.y, strict=True))[::60]:
        mask = dataset.images.read(int(row)).mask
        assert mask is not None
        found = len(np.unique(mask)) - 1
        assert 0.8 * nuclei <= found <= nuclei  # the smallest may fall between the pixels of a resized mask


def test_osteosarcoma_keeps_the_tiles_its_list_keeps() -> None:
    dataset = open_folder(SHARED / "osteosarcoma")
    with (SHARED / "osteosarcoma/tiles.csv").open(newline="") as file:
        listed = {
            f"{row['image_id']}/y{int(row['y']) // 256}x{int(row['x']) // 256}"
            for row in csv.DictReader(file)
            if float(row["white_fraction"]) < 0.8
        }
    assert set(dataset.ids.tolist()) == listed
    assert len(listed) == 839
    task = dataset.tasks["tumour"]
    assert (len(set(task.units)), len(set(task.batches))) == (26, 4)
    assert task.notes == (
        "121 of 960 tiles left out: over 80% near-white.",
        "Confound: batches with one class only: P9 (non_tumor).",
        REPLACED,
    )


def test_mibi_dcis_names_its_confounds() -> None:
    notes = open_folder(SHARED / "mibi_dcis").tasks["lesion"].notes
    assert notes[0] == "Classes left out, with fewer than 8 samples: ILC (4)."
    assert "Confound: classes found in one batch only: IDC (TA507)." in notes


def test_bbbc013_names_its_columns() -> None:
    treatment = open_folder(SHARED / "bbbc013").tasks["treatment"]
    assert treatment.notes == (
        "Confound: each class lies in its own positions: untreated (column 1), wortmannin_150nM (column 12).",
        REPLACED,
    )
    assert set(treatment.positions if treatment.positions is not None else ()) == {"1", "12"}
    assert open_folder(SHARED / "bbbc016").tasks["active"].notes == (
        "48 samples left out: excluded by label low_dose.",
        REPLACED,
    )


def _with_card(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """Return a folder that links to a set's files and holds a changed card."""
    folder.mkdir()
    card = (SHARED / name / "dataset.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in card
        card = card.replace(old, new)
    card = f"allow_outside = true\n{card}"
    (folder / "dataset.toml").write_text(card, encoding="utf-8")
    shutil.copy(SHARED / name / "samples.csv", folder)
    (folder / "images").symlink_to((SHARED / name / "images").resolve())
    return folder


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "jurkat",
            [('where = { experiment = "Experiment_1" }', 'holdout = "batch"')],
            "samples.csv column experiment ([tasks.phase]): class G2 is found in one batch only (Experiment_1), so "
            'holdout = "batch" can\'t both learn and test it; exclude the class, or add it in another batch',
        ),
        (
            "jurkat",
            [
                ('where = { experiment = "Experiment_1" }', 'holdout = "batch"'),
                ("min_per_class = 60", 'exclude = ["S", "G2", "Metaphase", "Prophase", "Anaphase"]'),
            ],
            "samples.csv column experiment ([tasks.phase]): class Telophase is found in one batch only (Experiment_1), "
            'so holdout = "batch" can\'t both learn and test it; exclude the class, or add it in another batch',
        ),
        (
            "osteosarcoma",
            [('holdout = "unit"', 'holdout = "batch"')],
            "samples.csv column patient ([tasks.tumour]): batch P9 has one class only (non_tumor), so holding it out "
            "tests no contrast; leave the batch out by `where`, or add other classes to it",
        ),
    ],
)
def test_the_traps_are_refused(tmp_path: Path, name: str, changes: list[tuple[str, str]], message: str) -> None:
    folder = _with_card(name, tmp_path / name, *changes)
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    assert str(caught.value).replace(f"{folder}/", "") == message
