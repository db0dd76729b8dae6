"""Each encoder gets the verdict it deserves on simulated tissue; the table is in `known`."""

import pytest

from tests.meta.known import undeserved


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("known")


@pytest.mark.parametrize("dataset", ["sim-tissue", "sim-tissue-known"])
def test_each_encoder_gets_the_verdict_it_deserves(dataset, cache):
    assert undeserved(dataset, cache) == {}
