"""Image files: from bytes to float32 pixels, masks and types; fields cut into tiles and crops."""
