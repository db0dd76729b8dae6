"""A survey: what gives a label away is named, and what doesn't is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reprcheck.runs.survey import SIDE, ImageFacts, label_groups, survey
from reprcheck.types import Dataset, Image, Task

N = 60
RNG = np.random.default_rng(5)


def a_task(**changes: Any) -> Task:
    values: dict[str, Any] = {
        "name": "state",
        "kind": "classify",
        "rows": np.arange(N),
        "y": np.arange(N) % 2,
        "classes": ("a", "b"),
        "units": np.array([f"u{i:02}" for i in range(N)]),
        "batches": np.full(N, "all"),
        "holdout": None,
        "protocols": ("probe/2",),
        "channels": (0, 1),
    }
    return Task(**(values | changes))


def dose(**changes: Any) -> Task:
    values = {"kind": "regress", "classes": (), "y": np.repeat(np.arange(10.0), 6), "protocols": ("ridge/1",)}
    return a_task(**(values | changes))


class Noise:
    """Noise; images ``copies`` are the first again."""

    def __init__(self, copies: tuple[int, ...] = ()) -> None:
        self.copies = copies

    def content(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Image:
        number = 0 if index in self.copies else index
        return Image(np.random.default_rng(number).random((2, 20, 20)).astype(np.float32))


class Turned(Noise):
    """Noise; two images are remarked on."""

    def read(self, index: int) -> Image:
        return replace(super().read(index), remarks=("turned",) if index in (7, 9) else ())


def surveyed(task: Task, images: Noise | None = None) -> tuple[str, ...]:
    ids = np.array([f"s{i:02}" for i in range(N)])
    dataset = Dataset("d", "culture", ("x", "y"), ids, np.arange(N), images or Noise(), {task.name: task}, "digest")
    seen = survey(dataset, _silent)
    assert seen.quantiles.shape == (2, 5)
    assert (np.diff(seen.quantiles) >= 0).all()
    return tuple(seen.notes[task.name])


class _silent:
    def __init__(self, total: int, title: str) -> None: ...
    def __enter__(self) -> Any:
        return lambda done: None

    def __exit__(self, *exc: object) -> None: ...


def test_size_that_gives_the_label_away_is_named_with_its_numbers() -> None:
    sizes = np.stack([20 + 5 * (np.arange(N) % 2) + RNG.integers(0, 6, N), 20 + RNG.integers(0, 6, N)], axis=1)
    (sentence,) = surveyed(a_task(sizes=sizes.astype(float)))
    assert sentence.startswith("Confound: image size alone predicts the label: 0.")
    assert sentence.endswith(" by knn/1, 0.50 by chance (p = 0.001).")
    heights = np.stack([10 + np.repeat(np.arange(10.0), 6), np.full(N, 20.0)], axis=1)
    (sentence,) = surveyed(dose(sizes=heights))
    assert sentence.endswith(" by ridge/1, 0.00 by chance (p = 0.001).")


def test_a_place_that_many_samples_share_is_named_though_a_vote_of_ten_is_blind_to_it() -> None:
    y, place = np.repeat([1, 0, 1, 2], [12, 24, 12, 12]), np.repeat(["A01", "A12"], [36, 24])
    asked = {"y": y, "classes": ("a", "b", "c"), "positions": place}
    assert surveyed(a_task(**asked, protocols=("knn/1",))) == ()
    (sentence,) = surveyed(a_task(**asked, protocols=("knn/1", "probe/2")))
    assert sentence.startswith("Confound: position alone predicts the label: 0.67 by probe/2, 0.33 by chance")


def test_size_that_says_nothing_is_rarely_named() -> None:
    named = [surveyed(a_task(sizes=RNG.integers(10, 30, (N, 2)).astype(float))) for _ in range(40)]
    assert sum(map(bool, named)) <= 6  # 2 expected
    assert surveyed(a_task(sizes=np.full((N, 2), 9.0))) == ()


def test_more_channels_than_networks_take_are_told() -> None:
    assert surveyed(a_task(channels=(0, 1, 0, 1))) == (
        "Channels: 4; a model that doesn't take as many is shown each alone, and the vectors are joined.",
    )


@pytest.mark.parametrize(
    ("column", "words"), [(np.repeat(np.arange(10), 6), "rises"), (-np.repeat(np.arange(10), 6), "falls")]
)
def test_a_label_along_the_plate_is_named(column: Any, words: str) -> None:
    positions = np.array([f"B{c - column.min() + 1:02}" for c in column])
    control, protocols = np.arange(N) < 6, ("dose-response/1",)
    task = dose(positions=positions, control=control, protocols=protocols)
    (note,) = surveyed(task)
    assert note.startswith(f"Confound: the label {words} along the plate's columns, controls aside: rank correlation ")
    assert note.endswith("1.00 (p = 0.001).")
    scattered = dose(positions=RNG.permutation(positions), control=control, protocols=protocols)
    assert surveyed(scattered) == ()
    unknown = np.where(np.arange(N) == 9, "", positions)
    assert surveyed(dose(positions=unknown, control=control, protocols=protocols)) == ()
    assert surveyed(dose(positions=positions))[0].startswith("Confound: position alone predicts the label: ")


def test_few_units_and_few_batches_are_told() -> None:
    few = a_task(units=np.array([f"u{i // 8}" for i in range(N)]))
    assert "Underpowered: 8 units, and a verdict needs at least 10." in surveyed(few)
    batches = a_task(batches=np.array([f"p{i % 4 // 2}" for i in range(N)]))
    assert "Verdicts cover these 2 batches, not new ones: for that, at least 10 are needed." in surveyed(batches)


def test_copies_on_both_sides_of_a_fold_are_told() -> None:
    notes = surveyed(a_task(), Noise(copies=(2, 4, 6, 8, 10, 11)))
    assert any(note.startswith("Confound: ") and "with the same pixels" in note for note in notes)
    assert any(note.startswith("Label noise: 6 pairs") for note in notes)
    assert surveyed(a_task()) == ()


def test_what_is_kept_of_an_image_is_small_and_holds_its_extremes() -> None:
    sights, image = ImageFacts(), Image(np.zeros((2, 200, 300), np.float32))
    image.pixels[1, 77, 77] = 1
    sights.look(3, image)
    assert sights.thumbnails[3].shape == (2, SIDE, SIDE)
    assert sights.values[3].shape[1] < 1000
    assert sights.values[3].max() == 1
    assert sights.digests[3][0] != sights.digests[3][1]


def test_a_regression_is_cut_at_its_quantiles() -> None:
    names, codes = label_groups(dose())
    assert (names[0], names[-1]) == ("0 to 1", "8 to 9")
    assert np.bincount(codes).tolist() == [12] * 5
    assert label_groups(a_task())[0] == ["a", "b"]


def test_a_fixed_split_is_surveyed_by_its_judged_samples() -> None:
    few = a_task(test=np.arange(N) < 6)
    assert "Underpowered: 6 units, and a verdict needs at least 10." in surveyed(few)
    half = a_task(test=np.arange(N) < 30)
    assert surveyed(half) == ()
    assert any("lies on both sides of a fold: s00 and s40" in note for note in surveyed(half, Noise((40,))))
    assert surveyed(half, Noise((20,))) == ()


def test_what_matching_leaves_out_is_told_with_its_treatments_made_one() -> None:
    compounds = np.array([f"c{i // 6}" for i in range(N)])
    screen = a_task(
        y=np.arange(N) // 6 % 2,
        units=compounds,
        batches=np.where((np.arange(N) // 6) % 2 == 1, "w1", np.where(np.arange(N) < 30, "w1", "w2")),
        innermost=np.array([f"t{i // 2:02}" for i in range(N)]),
        aggregate="mean",
        protocols=("nsc/1", "nscb/1"),
    )
    lost = "15 samples aren't judged by nscb/1, since no other in another unit and batch has the label: of b."
    assert surveyed(screen)[0] == lost
    copied = surveyed(screen, Noise((58,)))
    assert any("with the same pixels lies in two units: s00 and s58" in note for note in copied)


def test_what_was_interpreted_in_reading_images_is_told() -> None:
    assert "2 of 60 images (such as s07): turned." in surveyed(a_task(), Turned())
    assert not any("turned" in note for note in surveyed(a_task()))
