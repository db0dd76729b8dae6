"""The gate: one file per question, each a test of every required cell.

`pytest --pyargs reprcheck.suite` runs it wherever the package is installed, from a checkout too; there `pytest
benchmarks/` runs the same tests.
"""
