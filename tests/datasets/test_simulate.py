"""The simulators: the same pixels every time, balanced causes, and each cause changing what it should and no more."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reprcheck.datasets.simulate import NAMES, Culture, SimulatedImages, Simulation, Tissue, open_simulated
from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.camera import Camera
from reprcheck.datasets.simulate.tissue import IMMUNE_SHARE, deal_types
from reprcheck.errors import UserError

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
    [(Culture(), "localisation", 1), (Culture(), "texture", 2), (Tissue(), "localisation", 1)],
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
    dealt = [deal_types(np.random.default_rng(0), centres, kind) for kind in simulation.causes["arrangement"]]
    assert {d.sum() for d in dealt} == {round(IMMUNE_SHARE * len(centres))}


def test_niches_keep_their_own_company_and_dispersed_cells_shun_it() -> None:
    draw = np.random.default_rng(0)
    together: dict[str, list[float]] = {kind: [] for kind in Tissue.causes["arrangement"]}
    for trial in range(30):
        centres = draw.uniform(3, 92, (32, 2))
        gaps = np.linalg.norm(centres[:, None] - centres, axis=2) + 1e9 * np.eye(32)
        nearest = gaps.argmin(1)
        for kind, shares in together.items():
            immune = deal_types(np.random.default_rng(trial), centres, kind)
            shares.append((immune == immune[nearest]).mean())
    assert np.mean(together["niches"]) > np.mean(together["mixed"]) + 0.15
    assert np.mean(together["dispersed"]) < np.mean(together["mixed"]) - 0.15


def test_no_combination_of_crossed_causes_foretells_brightness() -> None:
    table = Culture(batches=200, fields=1).table()
    bright = (table["brightness"] == "bright").groupby([table[cause] for cause in Culture.causes]).mean()
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


def histogram_features(images: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return moments, quantiles and a 16-bin histogram of every channel."""
    rows = []
    for pixels in images:
        flat = pixels.reshape(3, -1).astype(float)
        levels = [np.histogram(c, 16, (0, 1))[0] / c.size for c in flat]
        rows.append(np.r_[flat.mean(1), flat.std(1), np.quantile(flat, [0.1, 0.5, 0.9, 0.99], axis=1).ravel(), *levels])
    return np.array(rows)


@simulations
def test_intensity_tells_brightness_and_no_default_task(simulation: Simulation) -> None:
    table = simulation.table()
    images = SimulatedImages(simulation, table)
    features = histogram_features([images.read(i).pixels for i in range(len(table))])
    batch = table["batch"].to_numpy()

    def accuracy(cause: str) -> float:
        y = table[cause].to_numpy(str)
        guess = np.empty_like(y)
        for b in np.unique(batch):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
            guess[batch == b] = model.fit(features[batch != b], y[batch != b]).predict(features[batch == b])
        return float(balanced_accuracy_score(y, guess))

    assert accuracy("brightness") > 0.8
    for cause in list(simulation.causes)[:2]:
        assert accuracy(cause) < 1 / len(simulation.causes[cause]) + 0.1, cause
    assert accuracy("nothing") < 0.65
