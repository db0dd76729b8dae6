"""Does training give more than the architecture gives for nothing?

See `reprcheck.diagnostics.beats_untrained`.
"""

import pytest

from reprcheck.pytest_plugin.run import Asker


@pytest.mark.reprcheck("beats_untrained")
def test_beats_untrained(reprcheck_question: Asker) -> None:
    """Ask it in one required setting."""
    reprcheck_question.must_pass()
