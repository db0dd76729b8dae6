"""The statistics of a verdict: effect and interval over units, the null of a setting, collapse of an embedding."""

from reprcheck.stats.decision import compare

__all__ = ["compare"]
