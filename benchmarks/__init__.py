"""The gate in this checkout, under its short name: the tests of `reprcheck.suite`."""
