"""Networks for which an accelerator's memory is too short."""

import numpy as np
import pytest
import torch

from reprcheck.errors import UserError
from reprcheck.models import resolve_model
from tests.models.made import images


class Hungry(torch.nn.Module):
    """Its memory holds so many images at a time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        torch.manual_seed(0)
        self.layer = torch.nn.Conv2d(3, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32[N, 8]."""
        if len(x) > self.most:
            raise torch.OutOfMemoryError(f"{len(x)} images")
        return self.layer(x).mean((2, 3))


@pytest.mark.parametrize("most", [1, 5, 16, 31])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(most):
    shown = images(37)
    expected = resolve_model(Hungry(32)).encoder(3).encode(shown)
    encoder = resolve_model(Hungry(most)).encoder(3)
    np.testing.assert_allclose(encoder.encode(shown), expected, rtol=1e-5, atol=1e-6)
    assert encoder.runner.at_once <= most
    np.testing.assert_allclose(encoder.encode(shown[:3]), expected[:3], rtol=1e-5, atol=1e-6)


def test_one_image_that_does_not_fit_is_one_line():
    with pytest.raises(UserError, match="the model raised OutOfMemoryError: 1 images"):
        resolve_model(Hungry(0)).encoder(3).encode(images(3))
