"""Does training give more than the architecture gives for nothing? See `reprcheck.diagnostics.beats_untrained`."""

import pytest


@pytest.mark.reprcheck("beats_untrained")
def test_beats_untrained(reprcheck_question):
    reprcheck_question.must_pass()
