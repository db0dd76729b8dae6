"""Does the model know more than where the cells are and how they are shaped?

See `reprcheck.diagnostics.beats_structure`.
"""

import pytest

from reprcheck.pytest_plugin.run import Asker


@pytest.mark.reprcheck("beats_structure")
def test_beats_structure(reprcheck_question: Asker) -> None:
    """Ask it in one required setting."""
    reprcheck_question.must_pass()
