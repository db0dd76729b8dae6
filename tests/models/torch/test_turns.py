"""Of what a network does in a thread, showing it images is counted as its time, and making it is not."""

from __future__ import annotations

from threading import get_ident
from typing import ClassVar

import torch

from reprcheck.models import AdaptationImages, adapt
from reprcheck.models.channels import NATIVE
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.models.torch.module import ModuleNetwork
from reprcheck.turns import begun, running
from tests.models.made import images


class Watched(torch.nn.Module):
    """Notes whether its thread's time is counted."""

    counted: ClassVar[dict[str, set[bool]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)

    def __deepcopy__(self, memo: object) -> Watched:
        self.note("copied")
        return Watched()

    def note(self, what: str) -> None:
        self.counted.setdefault(what, set()).add(begun(get_ident()) is not None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.note("adapted" if self.norm.training else "run")
        return self.norm(self.convolution(x)).mean((2, 3))


def test_building_and_reading_are_not_counted() -> None:
    network = ModuleNetwork("a module", Watched())

    def read():
        network.module.note("read")
        return images(4)

    plain = TorchEncoder("untrained-0", network, Preprocessing(), NATIVE)
    encoder = adapt(plain, AdaptationImages(("a", "b", "c", "d"), read))
    Watched.counted.clear()
    with running():
        encoder.encode(images(2))
    assert Watched.counted == {"copied": {False}, "read": {False}, "adapted": {True}, "run": {True}}
