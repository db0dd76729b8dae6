"""Does training give more than the architecture gives for nothing?"""

from reprcheck.suite.test_beats_untrained import test_beats_untrained

__all__ = ["test_beats_untrained"]
