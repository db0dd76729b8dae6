"""A first card for a folder: each key guessed from the table, from file names and from images, with the reason why.

What is guessed is tried: a task stands on the card only where its folds can be made, else a comment says why not.
Whoever made the data has the last word, so every guess is told.
"""

from reprcheck.datasets.draft.draft import Draft, draft

__all__ = ["Draft", "draft"]
