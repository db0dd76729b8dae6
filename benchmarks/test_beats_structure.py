"""Does the model know more than where the cells are and how they are shaped?

See `reprcheck.diagnostics.beats_structure`.
"""

import pytest


@pytest.mark.reprcheck("beats_structure")
def test_beats_structure(reprcheck_question):
    reprcheck_question.must_pass()
