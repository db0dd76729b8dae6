"""Do the diagnostics that installed extensions bring find what they look for? There are none without extensions."""

from reprcheck.suite.test_extensions import *  # noqa: F403  (a test where there is something to ask)
