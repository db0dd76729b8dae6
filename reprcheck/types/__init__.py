"""The nouns of reprcheck as frozen dataclasses: images, tasks, scores, verdicts; a file for each step of the way.

Numpy only. Everything that flows from one layer to the next is one of these; what a word means is in
`docs/design.md`. Layers add functions, never fields of their own.
"""

from reprcheck.types.images import Encoder, Image, ImageSource, Kind
from reprcheck.types.scorecard import MODEL, Cell, Evidence, Gate, Outcome, Qualification, Scorecard, Setting, Status
from reprcheck.types.scores import Scores
from reprcheck.types.tasks import Aggregation, Dataset, Grouping, Task

__all__ = [
    "MODEL",
    "Aggregation",
    "Cell",
    "Dataset",
    "Encoder",
    "Evidence",
    "Gate",
    "Grouping",
    "Image",
    "ImageSource",
    "Kind",
    "Outcome",
    "Qualification",
    "Scorecard",
    "Scores",
    "Setting",
    "Status",
    "Task",
]
