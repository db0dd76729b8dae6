from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from reprcheck.models import AdaptationImages, Model, adapt, resolve_model
from reprcheck.models.torch.state import state_digest
from reprcheck.models.torch.twins import reinitialised, seeded, shuffle
from reprcheck.types import Encoder
from tests.models.made import TINY, images, line


class Positions(torch.nn.Module):
    """Tensors that no module resets: one drawn, one constant, one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)
        self.positions = torch.nn.Parameter(torch.randn(4000) * 3 + 5)
        self.scale = torch.nn.Parameter(torch.ones(8))
        self.register_buffer("table", torch.rand(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x)).mean((2, 3)) * self.scale + self.positions[:8] + self.table


def test_a_timm_twin_is_timm_s_own_draw(checkpoint: Path) -> None:
    network = resolve_model(f"timm:{TINY}?checkpoint={checkpoint}").network.twin(3)
    with seeded(network.draw):
        fresh = timm.create_model(TINY, num_classes=0)
    assert state_digest(network.build().module) == state_digest(fresh)


def test_twins_are_shared_by_the_checkpoints_of_an_architecture(checkpoint: Path) -> None:
    trained, drawn = (
        resolve_model(f"timm:{TINY}?checkpoint={checkpoint}"),
        resolve_model(f"timm:{TINY}?pretrained=false"),
    )
    digests = [model.untrained(2, 0).digest() for model in (trained, drawn)]
    assert digests[0] == digests[1] != trained.encoder(2).digest()
    assert len({trained.untrained(2, k).digest() for k in range(5)} | {drawn.encoder(2).digest()}) == 6
    assert [trained.untrained(2, k).name for k in (0, 1)] == ["untrained-0", "untrained-1"]
    assert trained.untrained(2, 0).notes == ()


def test_a_draw_leaves_the_global_generator_alone() -> None:
    module = torch.nn.Linear(2, 2)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    resolve_model(f"timm:{TINY}?pretrained=false").untrained(3, 0).encode(images(1))
    reinitialised(module, 3)
    assert torch.equal(torch.rand(3), expected)


def test_networks_built_side_by_side_are_the_ones_built_alone() -> None:
    model = resolve_model("timm:resnet18?pretrained=false&size=32&seed=4")

    def drawn() -> list[Encoder]:
        twins = [model.untrained(1, k) for k in range(3)]
        return [*twins, *(adapt(twin, AdaptationImages(("0", "1"), lambda: images(2, channels=1))) for twin in twins)]

    def weights(encoder: Encoder) -> list[torch.Tensor]:
        return list(encoder.runner.module.parameters())

    alone = [weights(encoder) for encoder in drawn()]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(weights, drawn()))
    assert all(torch.equal(a, b) for x, y in zip(alone, together, strict=True) for a, b in zip(x, y, strict=True))


def test_modules_reset_themselves_and_their_statistics() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)).train()
    module(torch.randn(4, 3, 8, 8) * 9 + 2)
    before = state_digest(module)
    twin, notes = reinitialised(module, 1)
    assert notes == ()
    assert state_digest(module) == before
    assert torch.equal(twin[1].running_mean, torch.zeros(8))
    assert torch.equal(twin[1].running_var, torch.ones(8))
    assert not torch.equal(twin[0].weight, module[0].weight)
    assert state_digest(reinitialised(module, 1)[0]) == state_digest(twin) != state_digest(reinitialised(module, 2)[0])


def test_other_tensors_are_redrawn_one_by_one_and_it_is_noted() -> None:
    module = Positions()
    twin, notes = reinitialised(module, 1)
    assert abs(twin.positions.mean() - 5) < 0.3
    assert abs(twin.positions.std() - 3) < 0.3
    assert not torch.equal(twin.positions, module.positions)
    assert torch.equal(twin.scale, module.scale)
    assert torch.equal(twin.table, module.table)
    assert notes == (
        "untrained twin: positions redrawn with the trained tensor's mean and standard deviation, no module resets it",
        "untrained twin: scale kept, a constant that no module resets",
        "untrained twin: table kept, a buffer that no module resets",
    )
    assert resolve_model(module).untrained(3, 0).notes == notes
    assert resolve_model(module).encoder(3).notes == ()


def test_attention_and_transformers_reset_themselves() -> None:
    module = torch.nn.TransformerEncoderLayer(8, 2, 16)
    twin, notes = reinitialised(module, 0)
    assert notes == ()
    assert not torch.equal(twin.self_attn.in_proj_weight, module.self_attn.in_proj_weight)


def test_frozen_statistics_are_reset_too() -> None:
    class Frozen(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("running_mean", torch.full((3,), 7.0))
            self.register_buffer("running_var", torch.full((3,), 7.0))

    twin, notes = reinitialised(Frozen(), 0)
    assert twin.running_mean.tolist() == [0, 0, 0]
    assert twin.running_var.tolist() == [1, 1, 1]
    assert notes == ()


def test_a_module_s_own_way_is_preferred_and_seeded() -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).mean((2, 3))

        def untrained(self, seed: int) -> torch.nn.Module:
            return Own()

    model = resolve_model(Own())
    twins = [model.untrained(3, k).encode(images(2)) for k in (0, 0, 1)]
    np.testing.assert_array_equal(twins[0], twins[1])
    assert not np.array_equal(twins[0], twins[2])
    assert resolve_model(Own()).untrained(3, 0).digest() == model.untrained(3, 0).digest()
    assert resolve_model(Own()).digest != model.digest
    Own.untrained = lambda self, seed: 3
    assert line(lambda: resolve_model(Own()).untrained(3, 0)) == (
        "model Own: untrained(seed) returned int; return a torch.nn.Module"
    )


def test_a_reset_that_raises_is_one_line() -> None:
    class Bad(torch.nn.Linear):
        def reset_parameters(self) -> None:
            if getattr(self, "made", False):
                raise RuntimeError("not twice")
            self.made = True
            super().reset_parameters()

    told = line(lambda: resolve_model(Bad(2, 2)).untrained(3, 0))
    assert told.startswith("model Bad: making the untrained twin raised RuntimeError: not twice; give the module")


def test_half_precision_is_run_in_float32() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).bfloat16()
    model = resolve_model(module)
    digest = model.digest
    assert model.encoder(3).encode(images(1)).dtype == np.float32
    assert resolve_model(module).digest == digest
    assert model.untrained(3, 0).encode(images(1)).shape == (1, 4)


def shuffled(module: torch.nn.Module, k: int = 0) -> torch.nn.Module:
    copy = deepcopy(module)
    shuffle(copy, k)
    return copy


def test_shuffling_keeps_every_tensor_s_values_and_not_their_places() -> None:
    module = torch.nn.Sequential(Positions(), torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)).train()
    module[0](torch.rand(2, 3, 8, 8))
    copy = shuffled(module)
    before, after = module.state_dict(), copy.state_dict()
    for name, tensor in before.items():
        torch.testing.assert_close(tensor.flatten().sort().values, after[name].flatten().sort().values)
        constant = tensor.numel() < 2 or bool((tensor == tensor.flatten()[0]).all())
        assert torch.equal(tensor, after[name]) == constant, name
    assert after["0.norm.num_batches_tracked"] == 1
    assert state_digest(shuffled(module)) == state_digest(copy) != state_digest(shuffled(module, 1))


def test_a_shared_tensor_stays_shared() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    module[1].weight = module[0].weight
    copy = shuffled(module)
    assert copy[1].weight is copy[0].weight
    assert not torch.equal(copy[0].weight, module[0].weight)


@pytest.mark.parametrize("source", ["timm", "module"])
def test_a_shuffled_model_is_another_encoder(source: str, checkpoint: Path) -> None:
    def model() -> Model:
        return resolve_model(f"timm:{TINY}?checkpoint={checkpoint}" if source == "timm" else module)

    module = Positions()
    encoders = [model().encoder(3), model().untrained(3, 0), *(model().shuffled(3, k) for k in (0, 1))]
    assert [encoder.name for encoder in encoders[1:]] == ["untrained-0", "shuffled-0", "shuffled-1"]
    assert len({encoder.digest() for encoder in encoders}) == 4
    assert model().shuffled(3, 0).digest() == encoders[2].digest()
    np.testing.assert_array_equal(model().shuffled(3, 0).encode(images(2)), encoders[2].encode(images(2)))
    assert not np.allclose(encoders[0].encode(images(2)), encoders[2].encode(images(2)))
    assert model().encoder(3).digest() == encoders[0].digest()


def test_what_has_no_network_has_nothing_to_shuffle() -> None:
    assert resolve_model(lambda x: x.mean((2, 3))).shuffled(3, 0) is None
