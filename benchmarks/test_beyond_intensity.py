"""Does the embedding carry biology that brightness alone doesn't?"""

from reprcheck.suite.test_beyond_intensity import test_beyond_intensity

__all__ = ["test_beyond_intensity"]
