"""Does the model know more than local texture statistics that nobody learned?

See `reprcheck.diagnostics.beats_texture`.
"""

import pytest

from reprcheck.pytest_plugin.run import Asker


@pytest.mark.reprcheck("beats_texture")
def test_beats_texture(reprcheck_question: Asker) -> None:
    """Ask it in one required setting."""
    reprcheck_question.must_pass()
