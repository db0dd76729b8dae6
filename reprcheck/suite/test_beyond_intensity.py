"""Does the embedding carry biology that brightness alone doesn't?

See `reprcheck.diagnostics.beyond_intensity`.
"""

import pytest

from reprcheck.pytest_plugin.run import Asker


@pytest.mark.reprcheck("beyond_intensity")
def test_beyond_intensity(reprcheck_question: Asker) -> None:
    """Ask it in one required setting."""
    reprcheck_question.must_pass()
