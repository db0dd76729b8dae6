"""Does the model know more than local texture statistics that nobody learned?"""

from reprcheck.suite.test_beats_texture import test_beats_texture

__all__ = ["test_beats_texture"]
