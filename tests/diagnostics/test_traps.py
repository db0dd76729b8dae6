"""The traps of the real sets are named in the notes of their scorecards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.baselines import Pixels
from reprcheck.datasets.folder import open_folder
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, embed
from reprcheck.embed.fill import ImageView
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from tests.diagnostics.test_diagnostics import quiet
from tests.traps import TRAPS

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not beside this checkout")
@pytest.mark.parametrize(("name", "asked"), [(name, task) for name, tasks in TRAPS.items() for task in tasks])
def test_a_scorecard_names_the_traps(name: str, asked: str, tmp_path: Path) -> None:
    """The encoders are noise: what is told of a setting isn't theirs."""
    dataset = open_folder(SHARED / name)
    task = dataset.tasks[asked]
    protocol = "knn/1" if "knn/1" in task.protocols else task.protocols[0]
    cache = Cache(tmp_path)
    (thumbnails,) = embed(ImageView(dataset.images, task.rows, task.channels), [Pixels()], cache, quiet)

    def noise(seed: int) -> Block:
        vectors = np.random.default_rng(seed).normal(size=(len(task.y), 4)).astype(np.float32)
        return Block(digest("noise", vectors), thumbnails.ids, vectors)

    bench = Bench(
        model="noise",
        dataset=name,
        dataset_digest=dataset.digest,
        kind=dataset.kind,
        limit=None,
        task=task,
        protocol=protocol,
        policy=Policy(twins=2, repeats=1),
        cache=cache,
        progress=quiet,
        contestants=Contestants(noise(0), {"untrained": (noise(1), noise(2))}),
        baselines={"pixels": noise(3)},
        thumbnails=thumbnails,
        ids=dataset.ids[task.rows],
        matched=lambda: None,
        notes=resolve_model("demo").notes(len(task.channels)),
    )
    told = describe_setting(bench).notes
    for trap in TRAPS[name][asked]:
        assert any(note.startswith(trap) for note in told), (trap, told)
