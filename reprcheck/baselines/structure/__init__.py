"""The structural baseline: objects counted, measured and placed."""
