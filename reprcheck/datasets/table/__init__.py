"""A dataset's table: samples as text, and the tasks that follow from it and the card."""
