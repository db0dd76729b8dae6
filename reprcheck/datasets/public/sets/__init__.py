"""Public datasets: each an entry, ``NAME.toml``, and a reader, ``NAME.py``."""
