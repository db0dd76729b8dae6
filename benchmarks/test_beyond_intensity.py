"""Does the embedding carry biology that brightness alone doesn't? See `reprcheck.diagnostics.beyond_intensity`."""

import pytest


@pytest.mark.reprcheck("beyond_intensity")
def test_beyond_intensity(reprcheck_question):
    reprcheck_question.must_pass()
