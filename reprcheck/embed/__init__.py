"""From images to vectors: the only loop over images (`engine`), and the content-addressed cache behind it (`cache`)."""
