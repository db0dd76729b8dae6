"""A first card for a folder: each key guessed from the table, from file names and from images, with the reason why.

Guessed tasks are tried: one goes on the card only if its folds can be made, else a comment says why not. Every guess
is reported, since the maker of the data has the last word.
"""

from reprcheck.datasets.draft.draft import Draft, draft

__all__ = ["Draft", "draft"]
