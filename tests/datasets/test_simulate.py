"""The simulators: the same pixels every time, balanced causes, and each cause changing what it should and no more."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from reprcheck.baselines.structure.baseline import feature_names
from reprcheck.cli import main
from reprcheck.datasets.simulate import (
    NAMES,
    Camera,
    Cells,
    Compounds,
    Culture,
    Morphology,
    Plan,
    Plate,
    SimulatedImages,
    Simulation,
    Tissue,
    Variation,
    dataset,
    open_simulated,
    open_simulation,
)
from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.factors import CauseLevel
from reprcheck.datasets.simulate.simulation import BLENDED
from reprcheck.datasets.simulate.tissue import IMMUNE_SHARE, deal_types
from reprcheck.datasets.simulate.touches import FAMILIES, TOUCHES, families, markdown
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.studies.causality import CauseEffect, causality, features

PINNED = {
    "sim-culture": "aa6a8c62a87ab6509b97bec65154bdb8fc7dd2e4",
    "sim-culture-known": "85c83103d1b76075f6f6f03cc787004a86f3a94e",
    "sim-tissue": "7b5c04867096bc01ed1ef165e60483af3b18ab57",
    "sim-tissue-known": "ad9aca2fe4c8a5777d4a023988d64751416ab298",
}
"""Digests of the card, the whole table, and pixels and masks of a spread of samples: committed reports rest on them."""

SIMULATIONS = [Culture(), Tissue()]
QUIET = Camera(photons=1e9, read=0.0)

simulations = pytest.mark.parametrize("simulation", SIMULATIONS, ids=lambda s: s.name)


def row_with(simulation: Simulation, **causes: str) -> dict[str, str]:
    """Return the first row of the table with some causes set by hand."""
    return {**simulation.table().iloc[0].to_dict(), **causes}


def rendered(simulation: Simulation, **causes: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    image = simulation.render(row_with(simulation, **causes))
    assert image.mask is not None
    return image.pixels, image.mask


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_is_a_card_a_table_and_images(name: str) -> None:
    text, table, images = open_simulated(name)
    card = tomllib.loads(text)
    assert card["name"] == name
    assert set(card["columns"].values()) <= set(table)
    assert all(task["label"] in table for task in card["tasks"].values())
    assert all(task["holdout"] == "batch" for task in card["tasks"].values())
    assert table["sample"].is_unique
    assert table["sample"].is_monotonic_increasing
    assert len(table) == 288
    image = images.read(0)
    assert image.pixels.shape == (len(card["channels"]), 96, 96)
    assert image.pixels.dtype == np.float32
    assert image.mask is not None
    assert image.mask.dtype == np.int32
    assert image.pixels.min() >= 0
    assert image.pixels.max() <= 1
    assert np.array_equal(np.rint(image.pixels * 255).astype(np.uint8) / np.float32(255), image.pixels)


@pytest.mark.parametrize("name", NAMES)
def test_the_embedded_sets_are_what_they_were(name: str) -> None:
    card, table, images = open_simulated(name)
    seen = [images.read(i) for i in range(0, 288, 41)]
    columns = [(column, table[column].tolist()) for column in table]
    assert digest(card, columns, [(image.pixels, image.mask) for image in seen]) == PINNED[name]


def test_the_known_answer_sets_show_the_same_images() -> None:
    images, known = open_simulated("sim-tissue")[2], open_simulated("sim-tissue-known")[2]
    assert [images.content(i) for i in range(9)] == [known.content(i) for i in range(9)]
    assert np.array_equal(images.read(5).pixels, known.read(5).pixels)


def test_an_unknown_name_is_a_users_mistake() -> None:
    with pytest.raises(UserError, match="did you mean sim-culture"):
        open_simulated("sim-cultur")


@simulations
def test_images_depend_on_settings_and_index_alone(simulation: Simulation) -> None:
    table = simulation.table()
    forwards, backwards = SimulatedImages(simulation, table), SimulatedImages(simulation, simulation.table())
    first = {i: forwards.read(i) for i in (0, 7, 99)}
    for i in (99, 7, 0):
        again = backwards.read(i)
        assert np.array_equal(first[i].pixels, again.pixels)
        assert np.array_equal(first[i].mask, again.mask)
        assert forwards.content(i) == backwards.content(i)
    assert len({forwards.content(i) for i in range(len(forwards))}) == len(table)


@simulations
def test_another_setting_is_another_image_and_another_digest(simulation: Simulation) -> None:
    for other in (replace(simulation, seed=1), replace(simulation, purity=0.9), replace(simulation, camera=QUIET)):
        a, b = SimulatedImages(simulation, simulation.table()), SimulatedImages(other, simulation.table())
        assert a.content(0) != b.content(0)
        assert not np.array_equal(a.read(0).pixels, b.read(0).pixels)


def test_another_process_renders_the_same_pixels() -> None:
    code = (
        "import sys; from reprcheck.datasets.simulate import open_simulated; from reprcheck.digest import digest\n"
        "images = open_simulated('sim-tissue')[2]\n"
        "print(digest(images.read(3).pixels, images.read(3).mask), images.content(3), 'torch' in sys.modules)"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(runs) == 1
    assert runs.pop().endswith("False\n")


@simulations
def test_every_cause_is_balanced_in_every_batch_and_constant_in_a_unit(simulation: Simulation) -> None:
    table = simulation.table()
    causes = list(table.columns[3:])
    assert (table.groupby("unit")[["batch", *causes]].nunique() == 1).all(axis=None)
    for cause in causes:
        assert pd.crosstab(table["batch"], table[cause]).stack().nunique() == 1


@simulations
def test_causes_are_crossed_with_each_other(simulation: Simulation) -> None:
    table = simulation.table()
    causes = [*simulation.causes, "brightness", "nothing"]
    for i, a in enumerate(causes):
        for b in causes[:i]:
            for _, batch in table.groupby("batch"):
                assert pd.crosstab(batch[a], batch[b]).stack().nunique() == 1, (a, b)


@simulations
def test_brightness_changes_the_gain_and_no_mask(simulation: Simulation) -> None:
    bright, mask = rendered(simulation, brightness="bright")
    dim, same_mask = rendered(simulation, brightness="dim")
    assert np.array_equal(mask, same_mask)
    assert (bright.mean((1, 2)) > 1.1 * dim.mean((1, 2))).all()


@simulations
def test_count_changes_the_number_of_nuclei(simulation: Simulation) -> None:
    less, more = {"sim-culture": ("few", "many"), "sim-tissue": ("loose", "dense")}[simulation.name]
    samples = [{**row, "count": "?"} for row in simulation.table().iloc[::12].to_dict("records")]
    fewer = [len(np.unique(simulation.render({**row, "count": less}).mask)) for row in samples]
    greater = [len(np.unique(simulation.render({**row, "count": more}).mask)) for row in samples]
    assert np.mean(fewer) + 1.5 < np.mean(greater)


@simulations
def test_shape_changes_the_outline_of_nuclei_and_neither_their_number_nor_their_area(simulation: Simulation) -> None:
    _, long = rendered(simulation, shape="elongated")
    _, round_ = rendered(simulation, shape="round")
    assert np.array_equal(np.unique(long), np.unique(round_))
    assert not np.array_equal(long, round_)
    assert (long > 0).sum() == pytest.approx((round_ > 0).sum(), rel=0.05)


@pytest.mark.parametrize(
    ("simulation", "cause", "moved"),
    [
        (Culture(), "localisation", 1),
        (Culture(), "texture", 2),
        (Culture(), "polarity", 1),
        (Tissue(), "localisation", 1),
        (Tissue(), "polarity", 1),
    ],
)
def test_a_placement_moves_one_stain_at_equal_amounts_per_cell(simulation: Simulation, cause: str, moved: int) -> None:
    stains = []
    for value in simulation.causes[cause]:
        cells, amounts = simulation.stain(row_with(simulation, **{cause: value}), log_size=0.0, blur=0.8)
        stains.append((value, cells, amounts))
    _, cells, first = stains[0]
    for value, same_cells, amounts in stains[1:]:
        assert np.array_equal(cells.nuclei, same_cells.nuclei)
        assert not np.array_equal(first[moved], amounts[moved]), value
        for k in range(len(cells.centres)):
            here = cells.own == k
            assert np.allclose(np.sort(first[moved][here]), np.sort(amounts[moved][here]))
        for other in {0, 1, 2} - {moved}:
            assert np.array_equal(first[other], amounts[other])


def test_the_protein_is_where_its_class_says() -> None:
    simulation = Culture(camera=QUIET)
    share = {}
    for where in simulation.causes["localisation"]:
        cells, amounts = simulation.stain(row_with(simulation, localisation=where), log_size=0.0, blur=0.8)
        share[where] = {
            "nucleus": amounts[1][cells.nuclei > 0].mean(),
            "rim": amounts[1][(cells.depth > 0) & (cells.depth < 2.5)].mean(),
        }
    assert max(share, key=lambda where: share[where]["nucleus"]) == "nucleus"
    assert max(share, key=lambda where: share[where]["rim"]) == "rim"


def test_an_arrangement_deals_the_same_types_to_other_cells() -> None:
    simulation = Tissue()
    cells = [
        simulation.stain(row_with(simulation, arrangement=kind), log_size=0.0, blur=0.8)
        for kind in simulation.causes["arrangement"]
    ]
    centres = cells[0][0].centres
    assert all(np.array_equal(cells[0][0].nuclei, c.nuclei) for c, _ in cells)
    assert all(np.array_equal(cells[0][1][0], amounts[0]) for _, amounts in cells)
    dealt = [
        deal_types(np.random.default_rng(0), centres, CauseLevel(k, 1.0), 96) for k in simulation.causes["arrangement"]
    ]
    assert {d.sum() for d in dealt} == {round(IMMUNE_SHARE * len(centres))}


def test_niches_keep_their_own_company_and_dispersed_cells_shun_it() -> None:
    draw = np.random.default_rng(0)
    together: dict[str, list[float]] = {kind: [] for kind in Tissue.causes["arrangement"]}
    for trial in range(30):
        centres = draw.uniform(3, 92, (32, 2))
        gaps = np.linalg.norm(centres[:, None] - centres, axis=2) + 1e9 * np.eye(32)
        nearest = gaps.argmin(1)
        for kind, shares in together.items():
            immune = deal_types(np.random.default_rng(trial), centres, CauseLevel(kind, 1.0), 96)
            shares.append((immune == immune[nearest]).mean())
    assert np.mean(together["niches"]) > np.mean(together["mixed"]) + 0.15
    assert np.mean(together["dispersed"]) < np.mean(together["mixed"]) - 0.15


def test_no_combination_of_crossed_causes_foretells_brightness() -> None:
    table = Culture(batches=200, fields=1).table()
    bright = (
        (table["brightness"] == "bright")
        .groupby([table[cause] for cause in Culture.causes if cause not in BLENDED])
        .mean()
    )
    assert bright.between(0.35, 0.65).all()


def test_ranks_within_cells_are_even_and_follow_the_pattern() -> None:
    draw = np.random.default_rng(0)
    pattern, cell = draw.standard_normal((20, 20)), draw.integers(0, 3, (20, 20))
    inside = draw.uniform(size=(20, 20)) < 0.8
    rank = rank_within(pattern, cell, inside)
    assert (rank[~inside] == 0).all()
    for k in range(3):
        here = (cell == k) & inside
        n = here.sum()
        assert np.allclose(np.sort(rank[here]), (np.arange(n) + 0.5) / n)
        assert np.array_equal(np.argsort(pattern[here]), np.argsort(rank[here]))


def everything(simulation: Simulation, effect: float) -> Simulation:
    """Return the simulation with every cause planted as a label."""
    return replace(simulation, plan=Plan(label=dict.fromkeys(simulation.planted, effect)))


@simulations
def test_at_effect_0_classes_look_alike_and_at_1_as_in_the_embedded_sets(simulation: Simulation) -> None:
    neutral = everything(simulation, 0.0)
    as_they_are = simulation.table().iloc[[0, 150]].to_dict("records")
    for row in as_they_are:
        others = {cause: classes[0] for cause, classes in simulation.planted.items()}
        assert np.array_equal(neutral.render(row).pixels, neutral.render({**row, **others}).pixels)
        planted, usual = everything(simulation, 1.0).render(row), simulation.render(row)
        assert np.array_equal(planted.pixels, usual.pixels)
        assert np.array_equal(planted.mask, usual.mask)
        assert not np.array_equal(neutral.render(row).pixels, usual.pixels)


@pytest.mark.parametrize(
    ("simulation", "cause", "low", "high", "family", "feature"),
    [
        (Culture(), "brightness", "dim", "bright", "intensity", "1.mean"),
        (Culture(), "texture", "puncta", "network", "texture", "band2"),
        (Culture(), "localisation", "rim", "nucleus", "placement", "nucleus"),
        (Culture(), "polarity", "opposite", "same", "sides", "cosine"),
        (Culture(), "shape", "round", "elongated", "shape", "eccentricity.mean"),
        (Culture(), "count", "few", "many", "count", "count"),
        (Tissue(), "arrangement", "dispersed", "niches", "company", "neighbours"),
        (Tissue(), "localisation", "cytoplasm", "membrane", "placement", "rim"),
        (Tissue(), "polarity", "opposite", "same", "sides", "cosine"),
    ],
)
def test_more_effect_is_more_contrast(
    simulation: Simulation, cause: str, low: str, high: str, family: str, feature: str
) -> None:
    rows = simulation.table().iloc[::72].to_dict("records")

    def contrast(effect: float) -> float:
        planted = replace(simulation, plan=Plan(label={cause: effect}))
        found = [
            [features(*planted.scene({**row, cause: name}))[family][feature] for row in rows]  # type: ignore[index]
            for name in (low, high)
        ]
        return float(np.mean(found[1]) - np.mean(found[0]))

    assert 0 < contrast(0.4) < contrast(1.0)


def test_a_plan_deals_labels_nuisances_and_confounds() -> None:
    plan = Plan(
        label={"texture": 1.0, "localisation": 0.5},
        nuisance={"shape": 1.0},
        confound={"count": ("texture", 0.8), "brightness": ("batch", 1.0, 0.3)},
    )
    table = Culture(plan=plan, batches=4, units=60, fields=1).table()
    assert list(table) == ["sample", "unit", "batch", *sorted(plan.effects)]
    for _, batch in table.groupby("batch"):
        assert pd.crosstab(batch["texture"], batch["localisation"]).stack().nunique() == 1
        assert batch["shape"].value_counts().nunique() == 1
        assert batch["brightness"].nunique() == 1
    assert table["brightness"].nunique() == 2
    agree = (table["texture"] == "puncta") == (table["count"] == "many")
    assert agree.mean() == pytest.approx(0.8 + 0.2 / 2, abs=0.05)
    apart = pd.crosstab(table["shape"], table["texture"])
    assert apart.min(axis=None) > 0.35 * apart.sum(axis=None) / 2
    assert plan.effects["brightness"] == 0.3


def test_neither_order_nor_one_confound_more_changes_another() -> None:
    one = Plan(label={"texture": 1.0}, nuisance={"shape": 1.0, "brightness": 1.0})
    two = Plan(label={"texture": 1.0}, nuisance={"brightness": 1.0, "shape": 1.0}, confound={"count": ("batch", 0.5)})
    first, second = Culture(plan=one).table(), Culture(plan=two).table()
    assert first.equals(second[first.columns])
    assert np.array_equal(
        Culture(plan=one).render(first.iloc[5]).pixels,
        Culture(plan=replace(two, confound={})).render(first.iloc[5]).pixels,
    )


def test_a_label_may_go_with_the_batch_or_the_plate() -> None:
    for source in ("batch", "well"):
        plan = Plan(label={"texture": 0.5}, confound={"texture": (source, 1.0)})
        table = Culture(plan=plan, plate=Plate()).table()
        group = table["batch"] if source == "batch" else table["well"].str[1:]
        assert (table.groupby(group)["texture"].nunique() == 1).all()
        assert table["texture"].nunique() == 2
        assert plan.effects == {"texture": 0.5}


def test_compounds_move_causes_along_a_dose_response() -> None:
    compounds = Compounds({"localisation": 1.0, "texture": 2.0}, count=5, doses=(0.0, 0.2, 1.0))
    study = Culture(plan=Plan(compounds=compounds), units=30, fields=1)
    table = study.table()
    assert pd.crosstab(table["compound"], table["dose"]).stack().nunique() == 1
    signatures = table.groupby("compound")[["localisation", "texture"]].agg(lambda classes: "/".join(set(classes)))
    assert len(set(map(tuple, signatures.to_numpy()))) == 5
    assert compounds.response(0.0) == 0
    assert compounds.response(compounds.half) == pytest.approx(0.5)
    row = table.iloc[0].to_dict()
    vehicle = [study.render({**row, "dose": "0", "texture": texture}).pixels for texture in ("puncta", "network", "")]
    assert all(np.array_equal(vehicle[0], other) for other in vehicle[1:])
    levels = [study.level("texture", {**row, "texture": "puncta", "dose": dose}).effect for dose in ("0", "0.2", "1")]
    assert levels == sorted(levels)
    assert levels[1] == pytest.approx(1.0)
    opened = dataset(study)
    assert opened.tasks["dose"].control is not None
    assert opened.tasks["dose"].control.sum() == (table["dose"] == "0").sum()
    assert len(opened.tasks["compound"].rows) == (table["dose"] != "0").sum()


def test_a_planned_dataset_is_one_to_check() -> None:
    plan = Plan(label={"arrangement": 1.0}, confound={"brightness": ("arrangement", 0.5)})
    study = Tissue(plan=plan, batches=2, units=12, fields=2, size=64, donors=4, plate=Plate(rows=3, columns=4))
    opened = dataset(study, "planted", limit=24)
    task = opened.tasks["arrangement"]
    assert (opened.name, opened.kind, task.protocols) == ("planted", "tissue", ("probe/2", "knn/1"))
    assert len(task.rows) == 24
    assert set(task.units) == {f"site{b}-d{d}" for b in (1, 2) for d in (1, 2, 3, 4)}
    assert task.positions is not None
    assert opened.images.read(0).pixels.shape == (3, 64, 64)
    assert opened.digest == dataset(study, "another-name", limit=24).digest
    assert opened.digest != dataset(replace(study, plan=Plan(label={"arrangement": 0.9})), limit=24).digest


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Culture(plan=Plan(label={"textur": 1.0})), "no cause 'textur'; did you mean texture"),
        (lambda: Tissue(plan=Plan(label={"texture": 1.0})), "sim-tissue has no cause"),
        (lambda: Culture(plan=Plan(nuisance={"texture": 1.0})), "nothing to ask"),
        (lambda: Culture(plan=Plan(label={"texture": -1.0})), "Plan.label: the effect of texture"),
        (lambda: Culture(plan=Plan(label={"texture": 1.0}, nuisance={"texture": 1.0})), "planted as label too"),
        (lambda: Culture(plan=Plan({"texture": 1.0}, confound={"count": ("shape", 1.0)})), "can't go with 'shape'"),
        (lambda: Culture(plan=Plan({"texture": 1.0}, confound={"count": ("well", 1.0)})), "can't go with 'well'"),
        (lambda: Culture(plan=Plan({"texture": 1.0}, confound={"count": ("texture", 1.2)})), "isn't a share"),
        (lambda: Culture(plan=Plan(compounds=Compounds({"shape": 1.0}, count=9))).table(), "moved in 2 ways"),
        (lambda: Culture(plan=Plan(compounds=Compounds({"shape": 1.0}, doses=(0.1, 1.0)))), "aren't 0, the control"),
        (lambda: Culture(plate=Plate(2, 3)), "24 units don't fit 6 wells"),
        (lambda: Culture(camera=Camera(bits=10)), "use 8, 12 or 16"),
        (lambda: Culture(size=12), "size: 12 pixels"),
        (lambda: causality(Culture(), fields=3), "fields=3: too few"),
    ],
)
def test_what_cannot_be_simulated_is_told_in_one_line(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        make()


@simulations
def test_a_larger_field_has_more_cells_and_a_deeper_camera_more_levels(simulation: Simulation) -> None:
    row = row_with(simulation)
    usual, wide = simulation.scene(row)[1], replace(simulation, size=192).scene(row)[1]
    assert wide.own.shape == (192, 192)
    assert 2.5 * len(usual.centres) < len(wide.centres) < 5.5 * len(usual.centres)
    deep = replace(simulation, camera=Camera(bits=16))
    pixels = deep.render(row).pixels
    assert np.array_equal(np.rint(pixels * 65535).astype(np.uint16) / np.float32(65535), pixels)
    assert np.abs(pixels - simulation.render(row).pixels).max() <= 0.51 / 255
    assert tomllib.loads(open_simulation(deep)[0])["value_range"] == [0, 65535]


def test_blur_costs_detail_at_equal_amounts_per_cell() -> None:
    row = row_with(Culture())
    sharp, blurred = (Culture(camera=Camera(psf=psf)).scene(row) for psf in (0.0, 1.5))
    assert features(*blurred)["texture"]["band0"] < features(*sharp)["texture"]["band0"]
    assert features(*blurred)["per cell"]["2.mean"] == pytest.approx(features(*sharp)["per cell"]["2.mean"], rel=0.02)


def test_nuclei_follow_their_cells_as_far_as_they_are_tied_to_them() -> None:
    def follow(tie: float) -> float:
        study = Culture(cells=replace(Culture().cells, few=(4, 5), many=(4, 5), spread=0.3, tie=tie))
        sizes = []
        for row in study.table().iloc[::24].to_dict("records"):
            _, cells = study.scene(row)
            areas = [np.bincount(cells.own[zone], minlength=4) for zone in (cells.nuclei > 0, cells.depth > 0)]
            sizes.append(np.log(areas) - np.log(areas).mean(axis=1, keepdims=True))
        return float(np.corrcoef(np.hstack(sizes))[0, 1])

    assert follow(1.0) > follow(0.5) + 0.15
    assert follow(0.5) > follow(0.0) + 0.15
    assert abs(follow(0.0)) < 0.3


def test_crowded_cells_lie_closer() -> None:
    def nearest(look: Morphology) -> float:
        study = Culture(cells=look)
        rows = study.table().iloc[::48].to_dict("records")
        return float(np.mean([features(*study.scene(row))["layout"]["nearest.mean"] for row in rows]))

    assert nearest(replace(Culture().cells, crowding=0.9)) < 0.8 * nearest(Culture().cells)


def test_a_plate_has_gradients_and_edges() -> None:
    study = Culture(plate=Plate(gradient=0.4, edge=-0.3), fields=1)
    table = study.table()
    assert (table.groupby("batch")["well"].nunique() == 24).all()
    assert open_simulation(study)[0].count('position = "well"') == 1
    images = {well: study.render({**table.iloc[0], "well": well}) for well in ("A01", "B02", "B05")}
    light = {well: image.pixels.mean() for well, image in images.items()}
    assert light["A01"] < light["B02"] < light["B05"]
    assert np.array_equal(images["A01"].mask, images["B05"].mask)
    small = replace(study, plate=Plate(edge_size=-0.3)).render({**table.iloc[0], "well": "A01"})
    assert (small.mask > 0).sum() < 0.8 * (images["A01"].mask > 0).sum()
    assert Plate(rows=32, columns=48).wells[-1] == "AF48"


def test_donors_have_offsets_of_their_own() -> None:
    loud = Variation(donor_gain=0.5, donor_size=0.2)
    study = Culture(donors=3, variation=loud)
    table = study.table()
    assert (table.groupby("batch")["donor"].nunique() == 3).all()
    assert (table.groupby("unit")["donor"].nunique() == 1).all()
    row, names = table.iloc[0].to_dict(), sorted(set(table["donor"]))[:3]
    assert len({study.render({**row, "donor": name}).pixels.mean() for name in names}) == 3
    quiet = replace(study, variation=Variation(donor_gain=0.0, donor_size=0.0))
    usual = Culture().render(row_with(Culture())).pixels
    assert np.array_equal(quiet.render({**row_with(Culture()), "donor": "x"}).pixels, usual)


def test_tissue_tells_the_type_of_each_cell() -> None:
    image, cells = Tissue().scene(row_with(Tissue()))
    table, typed = cells.table(), cells.typed_nuclei
    assert (table["type"] == "immune").sum() == round(IMMUNE_SHARE * len(table))
    assert image.mask is not None
    for label, kind in zip(table["label"], table["type"], strict=True):
        assert set(typed[image.mask == label]) <= {1 if kind == "immune" else 2}
    assert np.array_equal(typed > 0, image.mask > 0)
    marker = {kind: image.pixels[2][typed == code].mean() for code, kind in enumerate(("immune", "tumour"), 1)}
    assert marker["immune"] > 1.5 * marker["tumour"]
    assert "type" not in Culture().scene(row_with(Culture()))[1].table()


def test_a_dataset_of_tissue_may_tell_types() -> None:
    study = Tissue(batches=2)
    plain, typed = dataset(study), dataset(study, types=True)
    assert (plain.cell_types, typed.cell_types) == ((), ("immune", "tumour"))
    image, cells = study.scene(study.table().iloc[5].to_dict())
    assert plain.images.read(5).types is None
    assert np.array_equal(plain.images.read(5).pixels, typed.images.read(5).pixels)
    assert np.array_equal(typed.images.read(5).mask, image.mask)
    assert np.array_equal(typed.images.read(5).types, cells.typed_nuclei)
    assert plain.images.content(5) != typed.images.content(5)
    with pytest.raises(UserError, match=r"^types: all cells of sim-culture are of one type; leave types out$"):
        dataset(Culture(), types=True)


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, str, str], CauseEffect]:
    """Simulator, cause and family to what was measured."""
    return {(one.name, t.cause, t.family): t for one in SIMULATIONS for t in causality(one, fields=24)}


@pytest.mark.parametrize(
    ("simulator", "cause", "family"),
    [
        (simulator, cause, family)
        for simulator in TOUCHES
        for cause in TOUCHES[simulator]
        for family in families(simulator)
    ],
)
def test_each_cause_touches_what_it_should_and_nothing_else(
    measured: dict[tuple[str, str, str], CauseEffect], simulator: str, cause: str, family: str
) -> None:
    touch = measured[simulator, cause, family]
    if touch.relation == "changes":
        assert touch.seen
    if touch.relation == "never":
        assert touch.low < 0.1  # half of what would count
    if cause == "nothing":
        assert touch.effect == 0
    if cause in ("brightness", "localisation", "texture", "arrangement") and family in (
        "count",
        "size",
        "shape",
        "layout",
    ):
        assert touch.effect == 0  # not one pixel of the mask


@simulations
def test_every_cause_is_in_the_registry(simulation: Simulation) -> None:
    assert set(TOUCHES[simulation.name]) == set(simulation.planted)


def test_families_are_a_partition_of_the_baselines_features() -> None:
    found = features(*Culture().scene(row_with(Culture())))
    assert set(found) == set(FAMILIES)
    assert len(found["intensity"]) == 93
    assert sum(len(found[family]) for family in ("count", "size", "shape", "layout")) == len(feature_names())


class Leaky(Culture):
    """A culture whose texture changes how much of the organelle there is."""

    def stain(self, row: Mapping[str, str], log_size: float, blur: float) -> tuple[Cells, NDArray[np.float64]]:
        cells, amounts = super().stain(row, log_size, blur)
        return cells, amounts * (np.array([1, 1, 1.3 if row["texture"] == "puncta" else 1])[:, None, None])


def test_a_leak_is_found_and_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    leaky = Leaky(plan=Plan(label={"texture": 1.0}))
    found = causality(leaky, fields=12)
    assert {touch.family for touch in found if touch.forbidden} == {"intensity", "per cell"}
    monkeypatch.setattr("reprcheck.studies.causality.causality", lambda *_: found)
    assert main(["data", "causality", "sim-culture"]) == 1
    out = capsys.readouterr().out
    assert "texture must not touch per cell: 2.mean by " in out
    assert max(map(len, out.splitlines())) <= 80


def test_causality_at_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    measured: dict[tuple[str, str, str], CauseEffect],
) -> None:
    def known(simulation: Simulation, fields: int, advance: object) -> tuple[CauseEffect, ...]:
        return tuple(touch for (name, *_), touch in measured.items() if name == simulation.name)

    monkeypatch.setattr("reprcheck.studies.causality.causality", known)
    assert main(["data", "causality"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("sim-", "nothing"))] == [
        "sim-culture", "nothing", "sim-tissue", "nothing",
    ]  # fmt: skip
    assert max(map(len, lines)) <= 80
    assert main(["data", "causality", "sim-cultur"]) == 4
    assert "no such simulator; did you mean sim-culture?" in capsys.readouterr().err


def test_the_documents_tables_are_the_registry_and_its_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text(encoding="utf-8")
    for simulator in TOUCHES:
        assert markdown(simulator) in text
    for family, told in FAMILIES.items():
        assert f"| {family} | {told} |\n" in text
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(code, "docs/simulators.md", "exec"), {})
    assert capsys.readouterr().out == "('network', 'puncta')\n"
    for kind in (Culture, Camera, Morphology, Variation, Plate, Compounds):
        for dial in fields(kind):
            assert f"`{dial.name}`" in text or f"`{dial.name.split('_')[0]}_…`" in text or f"`{dial.name}=" in text, (
                dial.name
            )
