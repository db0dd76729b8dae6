"""Is a pass worth what it says? The gate's error rates, measured by simulation and on real images.

Each study is a module with ``study(scale, progress) -> list[Row]``; a row is one measured rate beside what it may be.
`reprcheck.studies.table` runs them and writes the table; ``reprcheck calibrate`` is the command.
"""
