from __future__ import annotations

import numpy as np
import pytest

from reprcheck.models import resolve_model
from reprcheck.models.channels import choose
from reprcheck.types import Image

from .made import TINY, images, line


@pytest.mark.parametrize(
    ("in_chans", "n", "asked", "policy"),
    [
        (3, 3, None, "native"),
        (3, 2, None, "replicate"),
        (1, 2, None, "replicate"),
        (None, 5, None, "native"),
        (3, 3, "replicate", "replicate"),
        (3, 3, "native", "native"),
        (None, 2, "replicate", "replicate"),
    ],
)
def test_native_where_the_numbers_agree(in_chans: int | None, n: int, asked: None, policy: str) -> None:
    assert choose(in_chans, n, asked, "here").policy == policy


def test_native_is_refused_where_they_disagree() -> None:
    model = resolve_model(f"timm:{TINY}?pretrained=false&channels=native")
    assert line(lambda: model.encoder(2)) == (
        f"model=timm:{TINY}?pretrained=false&channels=native: channels=native, but the model takes 3 channels and "
        "the images have 2; write channels=replicate, or in_chans=2 where the weights allow it"
    )


def test_replicate_embeds_each_channel_alone_and_joins_the_vectors_in_order() -> None:
    model = resolve_model(f"timm:{TINY}?pretrained=false")
    pair = images(3, channels=2)
    found = model.encoder(2).encode(pair)
    for c in (0, 1):
        alone = [Image(np.repeat(image.pixels[c : c + 1], 3, axis=0)) for image in pair]
        part = model.encoder(3).encode(alone)
        width = part.shape[1]
        np.testing.assert_array_equal(found[:, c * width : (c + 1) * width], part)


def test_the_policy_is_part_of_the_digest() -> None:
    model = resolve_model(f"timm:{TINY}?pretrained=false")
    asked = resolve_model(f"timm:{TINY}?pretrained=false&channels=replicate")
    assert model.encoder(3).digest() != model.encoder(2).digest()
    assert model.encoder(2).digest() == asked.encoder(3).digest() == asked.encoder(2).digest()


def test_a_callable_may_be_shown_one_channel_at_a_time() -> None:
    def mean(x: np.ndarray) -> np.ndarray:
        assert x.shape[1] == 1
        return x.mean((2, 3))

    from reprcheck.models.functions import CallableModel

    model = CallableModel("m", "m", "m", mean, "id", channels="replicate")
    pair = images(2, channels=2)
    expected = np.stack([image.pixels.mean((1, 2)) for image in pair])
    np.testing.assert_allclose(model.encoder(2).encode(pair), expected, rtol=1e-6)
