"""Encoders that know one thing, on tasks with one cause: each gets the verdict it deserves.

The tables say what each encoder deserves of each diagnostic, in the order of `DIAGNOSTICS`: ``pass``; or ``-``,
anything but a pass; or ``?``, where it knows a part of the cause and either is fair. Where the cause is brightness
nobody passes `beyond_intensity`; if it is a count or a shape, `beats_structure`; if it is texture, `beats_texture`,
whose opponent reads a part of the others; where there is none, anything. One more untrained network never passes
`beats_untrained`.

All other toys are asked at once, side by side: they deserve ``-`` throughout, and so does whoever knows what all of
them know. So do the networks where a task's table doesn't name them, and on the default sets a constant, whose verdict
rests on no image. The demo on these is asked by `test_default`, which makes these what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

import reprcheck
from reprcheck.datasets import catalogue
from reprcheck.policy import Policy
from reprcheck.testing import toys
from reprcheck.types import Dataset, Image, ImageSource

POLICY = Policy(twins=3, repeats=1)
ONE_THING = ("brightness", "count", "shape", "localisation", "texture", "polarity")
ENCODERS = {
    **{name: f"py:reprcheck.testing.toys:{name}" for name in (*ONE_THING, "constant")},
    "untrained": "demo?seed=1",
    "demo": "demo",
}
DIAGNOSTICS = ("beats_untrained", "beats_structure", "beats_texture", "beyond_intensity")
NONE = ("-", "-", "-", "-")
ANYTHING = ("?", "?", "?", "?")
SIDES = {
    "polarity": ("pass", "pass", "pass", "pass"),
    "localisation": ANYTHING,  # in shells around the nucleus, whose dense side it doesn't see, but its own side
    "untrained": ("-", "?", "?", "-"),
}
STRUCTURE_IS_BLIND = dict.fromkeys(("localisation", "texture", "untrained", "demo"), ("-", "?", "-", "-"))
"""To brightness, that is: a toy with a trace of it may know more than structure does."""
DESERVED = {
    "sim-culture": {
        # a convolutional net that nobody trained reads most of it
        "localisation": {"localisation": ("?", "pass", "?", "?"), "untrained": ("-", "?", "-", "-")},
        "polarity": SIDES,
    },
    "sim-culture-known": {
        "brightness": {"brightness": ("?", "pass", "?", "-"), **STRUCTURE_IS_BLIND},
        "count": {"count": ("?", "-", "?", "?"), "demo": ("?", "-", "?", "?")},
        "shape": {"shape": ("pass", "-", "?", "pass"), "demo": ("?", "-", "?", "?")},
        "texture": dict.fromkeys(("texture", "untrained", "demo"), ("?", "?", "-", "?")),
        "nothing": {},
    },
    "sim-tissue": {"polarity": SIDES},
    "sim-tissue-known": {
        "brightness": {"brightness": ("?", "pass", "?", "-"), **STRUCTURE_IS_BLIND},
        # a plain ViT reads much of the count: 96 units can't tell a mean count from it by the margin and to spare
        "count": {"count": ("?", "-", "?", "?"), "demo": ("?", "-", "?", "?")},
        "shape": {"shape": ("pass", "-", "?", "pass"), "demo": ("?", "-", "?", "?")},
        # texture reads most of these two
        "arrangement": {"texture": ANYTHING, "demo": ANYTHING, "untrained": ("-", "?", "-", "-")},
        "localisation": {"localisation": ("?", "pass", "?", "?"), "demo": ANYTHING, "untrained": ("-", "?", "-", "-")},
        "nothing": {},
    },
}


@dataclass(frozen=True)
class Kept:
    """An image source that keeps what it has read: many encoders look at the same images."""

    images: ImageSource
    _content: dict[int, str] = field(default_factory=dict)
    _read: dict[int, Image] = field(default_factory=dict)

    def content(self, index: int) -> str:
        if index not in self._content:
            self._content[index] = self.images.content(index)
        return self._content[index]

    def read(self, index: int) -> Image:
        if index not in self._read:
            self._read[index] = self.images.read(index)
        return self._read[index]


def all_but(known: str):
    """Know what all toys but these know."""
    blind = [getattr(toys, name)() for name in ONE_THING if name not in known.split("+")]
    return lambda x: np.concatenate([toy(x) for toy in blind], axis=1)


def asked(name: str, table: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return what each encoder that is asked on a dataset deserves, by its SPEC."""
    named = {ENCODERS[encoder]: deserved for encoder, deserved in table.items()}
    rest = ("constant", "untrained") if name in catalogue.DEFAULT else ("untrained", "demo")
    others = {ENCODERS[encoder]: NONE for encoder in rest if encoder not in table}
    known = "+".join(thing for thing in ONE_THING if thing in table)
    return {**named, **others, f"py:tests.meta.known:all_but?known={known}": NONE}


def undeserved(name, cache):
    """Return every verdict on a dataset that isn't the one deserved: (task, encoder, diagnostic) to both."""
    dataset = opened(name)
    deserved = {task: asked(name, table) for task, table in DESERVED[name].items()}
    wrong = {}
    for spec in {spec: None for table in deserved.values() for spec in table}:
        settings = tuple(f"{name}:{task}/probe/2" for task, table in deserved.items() if spec in table)
        card = reprcheck.check(spec, dataset, replace(POLICY, settings=settings), cache_dir=cache)
        seen = {(cell.setting, cell.diagnostic): cell.status for cell in card.cells}
        for setting in settings:
            task = setting.split(":")[1].split("/")[0]
            for diagnostic, fair in zip(DIAGNOSTICS, deserved[task][spec], strict=True):
                status = seen.pop((setting, diagnostic))
                if fair != "?" and (status == "pass") != (fair == "pass"):
                    wrong[task, spec, diagnostic] = f"deserved {fair}, got {status}"
        assert not seen
    return wrong


def opened(name: str) -> Dataset:
    """Return a dataset whose images are read once; its ``-known`` twin's are the same."""
    dataset, images = catalogue.load(name), kept(name.removesuffix("-known"))
    assert all(images.content(row) == dataset.images.content(row) for row in range(len(dataset.ids)))
    return replace(dataset, images=images)


@cache
def kept(name: str) -> Kept:
    return Kept(catalogue.load(name).images)
