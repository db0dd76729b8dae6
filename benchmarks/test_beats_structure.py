"""Does the model know more than where the cells are and how they are shaped?"""

from reprcheck.suite.test_beats_structure import test_beats_structure

__all__ = ["test_beats_structure"]
