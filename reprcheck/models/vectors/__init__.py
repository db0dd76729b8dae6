"""Vectors that somebody computed elsewhere: read from a file, joined to a dataset's samples, cut down to features.

`files` reads a format into a `Stored`; `ids` finds each sample's row; `columns` tells which columns are features;
`numbers` makes them float32 or says which can't be; `signs` tells what a reader of the scorecard must know of them.
"""
