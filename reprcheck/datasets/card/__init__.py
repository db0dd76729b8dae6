"""A dataset's card: `dataset.toml`, table by table, and every problem found at once."""
