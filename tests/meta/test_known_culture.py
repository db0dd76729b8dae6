"""Each encoder gets the verdict it deserves on simulated culture; the table is in `known`."""

import pytest

from tests.meta.known import undeserved


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["sim-culture", "sim-culture-known"])
def test_each_encoder_gets_the_verdict_it_deserves(dataset, cache):
    assert undeserved(dataset, cache) == {}
