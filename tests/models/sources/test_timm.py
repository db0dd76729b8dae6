from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from reprcheck.errors import UserError
from reprcheck.models import ARCHITECTURES, draw_plain, resolve_model
from reprcheck.types import Image
from tests.models.made import TINY, elsewhere, images, line, real


def timm_vectors(module: torch.nn.Module, shown: list[Image]) -> np.ndarray:
    cfg = module.pretrained_cfg
    mean, std = (np.float32(cfg[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        return module.eval()(torch.from_numpy(np.stack([(image.pixels - mean) / std for image in shown]))).numpy()


def test_a_checkpoint_gives_timm_s_own_pooled_features(checkpoint: Path) -> None:
    module = timm.create_model(TINY, num_classes=0)
    tensors = load_file(checkpoint)
    module.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("classifier.")}, strict=True)
    shown = images(3, side=64)
    found = resolve_model(f"timm:{TINY}?checkpoint={checkpoint}").encoder(3).encode(shown)
    np.testing.assert_allclose(found, timm_vectors(module, shown), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_checkpoint_may_be_torch_s(checkpoint: Path, tmp_path: Path, wrapped: bool) -> None:
    tensors = load_file(checkpoint)
    torch.save({"state_dict": tensors, "epoch": 3} if wrapped else tensors, tmp_path / "tiny.pth")
    expected = resolve_model(f"timm:{TINY}?checkpoint={checkpoint}").encoder(3).encode(images(2))
    found = resolve_model(f"timm:{TINY}?checkpoint={tmp_path / 'tiny.pth'}").encoder(3).encode(images(2))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [TINY, "test_vit", "test_resnet"])
def test_a_vector_does_not_depend_on_its_company(name: str) -> None:
    encoder = resolve_model(f"timm:{name}?pretrained=false&size=64").encoder(2)
    shown = images(40, channels=2)
    whole = encoder.encode(shown)
    pieces = [encoder.encode(shown[a:b]) for a, b in ((0, 1), (1, 34), (34, 40))]
    np.testing.assert_array_equal(whole, np.concatenate(pieces))
    np.testing.assert_array_equal(encoder.encode(shown[::-1])[::-1], whole)


def test_large_images_go_in_smaller_batches_that_only_their_shape_decides() -> None:
    from reprcheck.models.torch.forward import BATCH, batch_size

    assert batch_size((224, 224), None) == batch_size((384, 384), 96) == BATCH
    assert batch_size((32, 32), 768) == batch_size((768, 768), None) == BATCH // 4
    assert batch_size((99_999, 99_999), None) == 1


def test_everything_runs_in_true_float32() -> None:
    class Asks(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
            assert not torch.is_grad_enabled()
            assert not self.training
            return x.mean((2, 3))

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        resolve_model(Asks()).encoder(3).encode(images(1))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_no_images_are_no_vectors() -> None:
    assert len(resolve_model(f"timm:{TINY}?pretrained=false").encoder(3).encode([])) == 0


def test_digests_are_of_what_shapes_the_vectors(checkpoint: Path, tmp_path: Path) -> None:
    base = f"timm:{TINY}?checkpoint={checkpoint}"
    renamed, changed = tmp_path / "renamed.safetensors", tmp_path / "changed.safetensors"
    shutil.copy(checkpoint, renamed)
    tensors = load_file(checkpoint)
    tensors["conv_stem.weight"][0, 0, 0, 0] += 1e-3
    save_file(tensors, changed)
    digest = resolve_model(base).digest
    assert resolve_model(f"timm:{TINY}?checkpoint={renamed}&name=other").digest == digest
    others = [
        f"timm:{TINY}?checkpoint={changed}",
        f"{base}&size=64",
        f"{base}&normalise=image",
        f"{base}&channels=replicate",
        f"timm:{TINY}?pretrained=false",
        f"timm:{TINY}.r160_in1k?checkpoint={checkpoint}",
    ]
    assert len({digest, *(resolve_model(spec).digest for spec in others)}) == 1 + len(others)
    encoders = {resolve_model(spec).encoder(3).digest() for spec in [base, *others]}
    assert len(encoders) == 1 + len(others)


def test_the_fixed_draw_is_the_same_in_another_process() -> None:
    spec = f"timm:{TINY}?pretrained=false"
    code = """
import sys, numpy as np
from reprcheck.digest import digest
from reprcheck.models import resolve_model as resolve
from reprcheck.types import Image
import torch
torch.set_num_threads(1)
torch.manual_seed(99)
from reprcheck.models.torch.timm_build import build
from reprcheck.models.torch.state import state_digest
model = resolve(sys.argv[1])
print(state_digest(model.network.build().module), state_digest(model.network.twin(2).build().module))
"""
    from reprcheck.models.torch.state import state_digest

    network = resolve_model(spec).network
    here = f"{state_digest(network.build().module)} {state_digest(network.twin(2).build().module)}"
    assert elsewhere(code, spec) == here


def test_size_resizes(checkpoint: Path) -> None:
    flat = [Image(np.full((3, 50, 40), value, np.float32)) for value in (0.2, 0.8)]
    small = [Image(np.full((3, 64, 64), value, np.float32)) for value in (0.2, 0.8)]
    encoder = resolve_model(f"timm:{TINY}?checkpoint={checkpoint}&size=64").encoder(3)
    np.testing.assert_allclose(encoder.encode(flat), encoder.encode(small), rtol=1e-4, atol=1e-5)


def test_normalise_image_forgets_brightness_and_contrast_and_survives_a_flat_image() -> None:
    encoder = resolve_model(f"timm:{TINY}?pretrained=false&normalise=image").encoder(3)
    shown = images(2)
    duller = [Image(image.pixels * 0.25 + 0.5) for image in shown]
    np.testing.assert_allclose(encoder.encode(duller), encoder.encode(shown), rtol=1e-2, atol=1e-4)
    assert np.isfinite(encoder.encode([Image(np.full((3, 32, 32), 0.3, np.float32))])).all()


def test_a_vit_is_resized_to_what_it_insists_on_or_built_for_the_size_asked(tmp_path: Path) -> None:
    native = resolve_model("timm:test_vit?pretrained=false")
    assert native.encoder(3).encode(images(1)).shape == (1, 64)
    path = tmp_path / "vit.safetensors"
    save_file(native.network.build().module.state_dict(), path)
    assert resolve_model(f"timm:test_vit?checkpoint={path}&size=64").encoder(3).encode(images(1)).shape == (1, 64)
    same = resolve_model(f"timm:test_vit?checkpoint={path}").encoder(3).encode(images(1))
    np.testing.assert_array_equal(same, native.encoder(3).encode(images(1)))


@pytest.mark.parametrize("size", [None, 64, 70])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_plain_networks_are_fed_as_the_model_is(architecture: str, size: int | None) -> None:
    spec = f"timm:{TINY}?pretrained=false" + (f"&size={size}" if size else "")
    model = resolve_model(spec)
    first, second = (draw_plain(model, 2, architecture, k) for k in (0, 1))
    shown = images(2, channels=2, side=50)
    assert first.name == f"untrained-{architecture}-0"
    assert first.encode(shown).shape == (2, 2 * {"conv": 192, "resnet": 256, "vit": 192}[architecture])
    assert not np.array_equal(first.encode(shown), second.encode(shown))
    assert first.digest() != second.digest()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_plain_networks_are_shared_by_models_that_take_the_same(architecture: str) -> None:
    def drawn(spec: str, n_channels: int = 2, **more: int) -> str:
        return draw_plain(resolve_model(f"timm:{spec}"), n_channels, architecture, 0, **more).digest()

    one = drawn(f"{TINY}?pretrained=false&size=64")
    same = drawn("test_resnet?pretrained=false&size=64"), drawn(f"{TINY}?pretrained=false&in_chans=1", size=64)
    assert {one, *same} == {one}
    assert one != drawn(f"{TINY}?pretrained=false&size=64", 3)
    assert one != drawn(f"{TINY}?pretrained=false&size=64&in_chans=2")
    assert one != drawn(f"{TINY}?pretrained=false&size=64&normalise=image")
    assert (one == drawn(f"{TINY}?pretrained=false&size=96")) == (architecture == "conv")


def test_a_plain_network_takes_the_size_the_model_insists_on() -> None:
    for name, size in (("test_vit", 160), (TINY, None)):
        model = resolve_model(f"timm:{name}?pretrained=false")
        assert model.facts().size == size
        assert draw_plain(model, 3, "resnet", 0, size).network.build().size == size


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("timm:x?siz=3", "model=timm:x?siz=3: timm has no option 'siz'; did you mean size?"),
        ("timm:x?size=0", "model=timm:x?size=0: size=0 isn't a whole number from 1"),
        ("timm:x?size=big", "model=timm:x?size=big: size=big isn't a whole number from 1"),
        ("timm:x?pretrained=no", "model=timm:x?pretrained=no: pretrained=no is neither true nor false"),
        ("timm:x?normalise=imag", "model=timm:x?normalise=imag: normalise=imag isn't known; did you mean image?"),
        (
            "timm:x?channels=one",
            "model=timm:x?channels=one: channels=one isn't known; known: any, native, replicate, stem",
        ),
        ("timm:x?precision=bf8", "model=timm:x?precision=bf8: precision=bf8 isn't known; known: bf16, fp16, fp32"),
        ("timm:x?checkpoint=no.pth", "model=timm:x?checkpoint=no.pth: no checkpoint file no.pth; check the path"),
        ("timm:x?name=", "model=timm:x?name=: option 'name' is empty"),
    ],
)
def test_bad_options(spec: str, expected: str) -> None:
    assert line(lambda: resolve_model(spec)).startswith(expected)


def test_two_sets_of_weights(checkpoint: Path) -> None:
    told = line(lambda: resolve_model(f"timm:{TINY}?pretrained=true&checkpoint={checkpoint}"))
    assert "pretrained=true and a checkpoint ask for two sets of weights; drop one of them" in told


def encode(spec: str, channels: int = 3) -> object:
    return resolve_model(spec).encoder(channels).encode(images(1, channels))


def test_unknown_names() -> None:
    assert line(lambda: encode("timm:resnet19?pretrained=false")).endswith(
        "timm has no model 'resnet19'; did you mean timm:resnet18?"
    ) or "did you mean timm:resnet" in line(lambda: encode("timm:resnet19?pretrained=false"))
    assert line(lambda: encode("timm:qqqqqqqq?pretrained=false")).endswith("timm.list_models() names what it has")
    assert "timm has no tag 'zz' of test_vit; tags: " in line(lambda: encode("timm:test_vit.zz?pretrained=false"))


def test_a_download_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no\nnetwork")

    monkeypatch.setattr(timm, "create_model", offline)
    assert line(lambda: resolve_model(f"timm:{TINY}").digest) == (
        f"model=timm:{TINY}: timm's weights of {TINY} can't be had: OSError: no network; "
        "go online, or add ?pretrained=false&checkpoint=FILE"
    )


def test_pretrained_is_told_by_its_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def drawn(name: str, pretrained: bool, **options: object) -> torch.nn.Module:
        torch.manual_seed(11 if pretrained else 0)
        return create(name, pretrained=False, **options)

    with torch.random.fork_rng(devices=[]):
        monkeypatch.setattr(timm, "create_model", drawn)
        digest = resolve_model(f"timm:{TINY}").digest
        assert resolve_model(f"timm:{TINY}").digest == digest
        monkeypatch.setattr(timm, "create_model", create)
        assert resolve_model(f"timm:{TINY}?pretrained=false").digest != digest


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.pop("conv_stem.weight"), "1 of {n} keys: conv_stem.weight is missing"),
        (lambda t: t.update(extra=t["bn1.bias"].clone()), "1 of {n} keys: extra is not in the network"),
        (
            lambda t: t.update({"conv_stem.weight": torch.zeros(1, 2)}),
            "1 of {n} keys: conv_stem.weight has shape [1, 2], not [24, 3, 3, 3]",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit(checkpoint: Path, tmp_path: Path, change, expected: str) -> None:
    tensors = {k: v for k, v in load_file(checkpoint).items() if not k.startswith("classifier.")}
    change(tensors)
    path = tmp_path / "bad.safetensors"
    save_file(tensors, path)
    told = line(lambda: encode(f"timm:{TINY}?checkpoint={path}"))
    expected = expected.format(n=len(tensors))
    assert told == f"{path}: doesn't fit {TINY}: {expected}; check the model's name, in_chans and size"


def test_batch_counters_may_be_missing(checkpoint: Path, tmp_path: Path) -> None:
    tensors = {k: v for k, v in load_file(checkpoint).items() if not k.endswith("num_batches_tracked")}
    save_file(tensors, tmp_path / "old.safetensors")
    encode(f"timm:{TINY}?checkpoint={tmp_path / 'old.safetensors'}")


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no")
    assert "a.safetensors: can't be read as weights: " in line(
        lambda: encode(f"timm:{TINY}?checkpoint={tmp_path / 'a.safetensors'}")
    )
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pth")
    told = line(lambda: encode(f"timm:{TINY}?checkpoint={tmp_path / 'whole.pth'}"))
    assert "whole.pth: can't be read as weights: UnpicklingError" in told
    torch.save({"epoch": 3}, tmp_path / "log.pth")
    told = line(lambda: encode(f"timm:{TINY}?checkpoint={tmp_path / 'log.pth'}"))
    assert told.endswith("log.pth: isn't a mapping of names to tensors; save the model's state_dict")


def test_real_imagenet_weights() -> None:
    path = real("tf_efficientnet_lite0/tf_efficientnet_lite0.safetensors")
    model = resolve_model(f"timm:tf_efficientnet_lite0?pretrained=false&checkpoint={path}&size=96")
    assert model.name == "tf_efficientnet_lite0"
    assert model.encoder(3).encode(images(2)).shape == (2, 1280)
    module = timm.create_model("tf_efficientnet_lite0", num_classes=0, checkpoint_path="")
    module.load_state_dict({k: v for k, v in load_file(path).items() if not k.startswith("classifier.")}, strict=True)
    shown = images(2, side=96)
    np.testing.assert_allclose(model.encoder(3).encode(shown), timm_vectors(module, shown), rtol=1e-3, atol=1e-4)


def test_real_microscopy_weights_of_one_channel() -> None:
    path = real("zeiss_nucleus_b0/tf_efficientnet_b0_1ch_encoder.safetensors")
    model = resolve_model(f"timm:tf_efficientnet_b0?checkpoint={path}&in_chans=1&normalise=image")
    assert model.encoder(1).encode(images(2, channels=1)).shape == (2, 1280)
    assert model.encoder(2).encode(images(2, channels=2)).shape == (2, 2560)
    wrong = resolve_model(f"timm:tf_efficientnet_b0?checkpoint={path}")
    assert "conv_stem.weight has shape [32, 1, 3, 3], not [32, 3, 3, 3]" in line(
        lambda: wrong.encoder(3).encode(images(1))
    )


def test_a_seed_draws_another_untrained_network():
    first, second = (resolve_model(f"timm:{TINY}?pretrained=false&seed={seed}") for seed in (1, 2))
    assert first.digest != second.digest
    assert first.digest == resolve_model(f"timm:{TINY}?pretrained=false&seed=1").digest


def test_a_seed_beside_weights_is_refused(checkpoint):
    with pytest.raises(UserError, match="a seed draws weights"):
        resolve_model(f"timm:{TINY}?pretrained=false&checkpoint={checkpoint}&seed=1")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_another_key_and_near_float32(precision: str) -> None:
    whole, half = (resolve_model(f"timm:{TINY}?pretrained=false{more}") for more in ("", f"&precision={precision}"))
    assert whole.digest != half.digest
    assert whole.encoder(3).digest() != half.encoder(3).digest()
    shown = images(9)
    exact, rough = whole.encoder(3).encode(shown), half.encoder(3).encode(shown)
    assert rough.dtype == np.float32
    gap = np.abs(exact - rough).max() / np.abs(exact).max()
    assert 1e-5 < gap < 0.1
    assert half.notes(3) == (f"Precision: the model and all untrained networks compute in {precision}.",)


def test_twins_and_plain_networks_compute_as_the_model_does() -> None:
    whole, half = (resolve_model(f"timm:{TINY}?pretrained=false{more}") for more in ("", "&precision=bf16"))
    for draw in (lambda model: model.untrained(3, 0), lambda model: draw_plain(model, 3, "vit", 0)):
        assert draw(whole).digest() != draw(half).digest()


def test_any_keyword_of_the_architecture_is_taken_and_counts() -> None:
    plain = "timm:test_vit?pretrained=false"
    keywords = "init_values=1e-5&reg_tokens=8&mlp_layer=SwiGLUPacked&act_layer=SiLU&dynamic_img_size=true"
    model = resolve_model(f"{plain}&{keywords}")
    module = model.network.build().module
    assert (module.num_prefix_tokens, type(module.blocks[0].mlp).__name__) == (9, "GluMlp")
    assert module.blocks[0].ls1.gamma[0] == 1e-5
    assert model.untrained(3, 0).encode(images(1)).shape == (1, 64)
    assert len({resolve_model(f"{plain}{more}").digest for more in ("", "&reg_tokens=8", f"&{keywords}")}) == 3
    assert "mlp_layer=SwiGLUPackd is no class of timm.layers or torch.nn; did you mean SwiGLUPacked?" in line(
        lambda: encode(f"{plain}&mlp_layer=SwiGLUPackd")
    )
    assert "unexpected keyword argument 'nonsense'" in line(lambda: encode(f"{plain}&nonsense=3"))
    told = line(lambda: resolve_model(f"{plain}&num_classes=3"))
    assert told.endswith("timm's num_classes isn't taken here; the classifier is left out already")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as timm saves a network for the hub: five registers, and built for 64 pixels."""
    from timm.models import save_for_hf

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = timm.create_model("test_vit", num_classes=0, reg_tokens=5, img_size=64)
    folder = tmp_path_factory.mktemp("stored") / "encoder"
    save_for_hf(module, folder, model_args={"reg_tokens": 5, "img_size": 64, "num_classes": 0}, safe_serialization=True)
    return folder


def test_a_stored_network_has_the_keywords_it_was_saved_with(stored: Path, tmp_path: Path) -> None:
    model = resolve_model(f"timm:local-dir:{stored}")
    assert model.name == "encoder"
    assert model.network.build().module.num_prefix_tokens == 6
    module = timm.create_model("test_vit", num_classes=0, reg_tokens=5, img_size=64)
    module.load_state_dict(load_file(stored / "model.safetensors"))
    shown = images(2, side=64)
    np.testing.assert_allclose(model.encoder(3).encode(shown), timm_vectors(module, shown), rtol=1e-3, atol=1e-4)
    first, again, other = (model.untrained(3, k).encode(shown) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).any()
    copy = tmp_path / "moved"
    shutil.copytree(stored, copy)
    assert resolve_model(f"timm:local-dir:{copy}").digest == model.digest
    assert resolve_model(f"timm:local-dir:{copy}?pretrained=false").digest != model.digest
    tensors = load_file(copy / "model.safetensors")
    tensors.pop("cls_token")
    save_file(tensors, copy / "model.safetensors")
    assert "timm raised RuntimeError" in line(lambda: encode(f"timm:local-dir:{copy}"))
    assert line(lambda: encode("timm:local-dir:nowhere")).endswith("no folder nowhere; check the path")


@pytest.mark.parametrize("prefix", ["module.", "teacher.backbone."])
def test_prefixes_of_training_scripts_are_recognised_and_asked_for(prefix: str, checkpoint, tmp_path: Path) -> None:
    tensors = {f"{prefix}{key}": value for key, value in load_file(checkpoint).items()}
    path = tmp_path / "trained.safetensors"
    save_file(tensors | {"student.head": torch.ones(2)}, path)
    spec = f"timm:{TINY}?checkpoint={path}"
    assert line(lambda: encode(spec)) == (
        f"{path}: {len(tensors)} of its {len(tensors) + 1} keys begin with {prefix!r}, as training scripts write them; "
        f"add prefix={prefix} to take these"
    )
    np.testing.assert_array_equal(encode(f"{spec}&prefix={prefix}"), encode(f"timm:{TINY}?checkpoint={checkpoint}"))
    assert "none of its" in line(lambda: encode(f"{spec}&prefix=head."))
    assert resolve_model(f"{spec}&prefix={prefix}").digest != resolve_model(spec).digest


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("resnet18", "for a network of timm write timm:resnet18"),
        ("vit_small_patch16_224.augreg_in1k", "for a network of timm write timm:vit_small_patch16_224.augreg_in1k"),
        ("x.safetensors", "for weights of a network of timm write timm:NAME?checkpoint=x.safetensors"),
        ("resnet1888", "known: demo (or write SOURCE:TARGET, SOURCE one of clip, emb, "),
    ],
)
def test_a_bare_name_gets_a_hint(name: str, remedy: str) -> None:
    assert f"no model is called {name!r}; {remedy}" in line(lambda: resolve_model(name))
