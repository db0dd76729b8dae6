"""Networks of torch: the only folder that imports torch, and nobody imports it before the first image."""
