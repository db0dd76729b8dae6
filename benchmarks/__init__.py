"""The gate: one file per question, each a test of every required cell. In the wheel this is `reprcheck.suite`."""
