"""What a run's scorecard looks like to people: one module per format, each drawing from the scorecard alone.

A reporter measures nothing and decides nothing. `wording` has what all formats say the same way. Names of models,
settings and references come from users, so every format makes them harmless before it prints them.
"""
