"""What may stand behind a score besides the images' biology, one file for each way to be misled."""
