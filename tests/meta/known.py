"""Encoders that know one thing, on tasks with one cause: each gets the verdict it deserves.

The tables say what each encoder deserves of `beats_untrained`, `beats_structure` and `beyond_intensity`: ``pass``; or
``-``, anything but a pass; or ``?``, where it knows a part of the cause and either is fair. Whoever is not in a task's
table deserves ``-`` throughout. Where the cause is brightness nobody passes `beyond_intensity`; if it is a count or a
shape, `beats_structure`; where there is none, anything. One more untrained network never passes `beats_untrained`.
"""

import reprcheck
from reprcheck.policy import Policy

POLICY = Policy(settings=("*/probe/1",))
TOYS = {
    "brightness": "py:reprcheck.testing.toys:brightness",
    "count": "py:reprcheck.testing.toys:count",
    "shape": "py:reprcheck.testing.toys:shape",
    "localisation": "py:reprcheck.testing.toys:localisation",
    "texture": "py:reprcheck.testing.toys:texture",
    "constant": "py:reprcheck.testing.toys:constant",
    "untrained": "demo?seed=1",
    "demo": "demo",
}
DIAGNOSTICS = ("beats_untrained", "beats_structure", "beyond_intensity")
ALL = ("pass", "pass", "pass")
NONE = ("-", "-", "-")
STRUCTURE_IS_BLIND = dict.fromkeys(("localisation", "texture", "untrained", "demo"), ("-", "?", "-"))
"""To brightness, that is: a toy with a trace of it may know more than structure does."""
DESERVED = {
    "sim-culture": {
        "localisation": {"localisation": ALL, "demo": ALL, "untrained": ("-", "?", "-")},
        "texture": {"texture": ALL, "demo": ALL, "untrained": ("-", "?", "-")},
    },
    "sim-culture-known": {
        "brightness": {"brightness": ("pass", "pass", "-"), **STRUCTURE_IS_BLIND},
        "count": {"count": ("pass", "-", "?"), "demo": ("?", "-", "?")},
        "shape": {"shape": ("pass", "-", "pass"), "demo": ("?", "-", "?")},
        "nothing": {},
    },
    "sim-tissue": {
        "arrangement": {"demo": ALL, "texture": ("?", "?", "?"), "untrained": ("-", "?", "-")},
        "localisation": {"localisation": ALL, "demo": ALL, "untrained": ("-", "?", "-")},
    },
    "sim-tissue-known": {
        "brightness": {"brightness": ("?", "pass", "-"), **STRUCTURE_IS_BLIND},
        # a plain ViT reads much of the count: 96 units can't tell a mean count from it by the margin and to spare
        "count": {"count": ("?", "-", "?"), "demo": ("?", "-", "?")},
        "shape": {"shape": ("pass", "-", "pass"), "demo": ("?", "-", "?")},
        "nothing": {},
    },
}


def undeserved(dataset, cache):
    """Return every verdict on a dataset that isn't the one deserved: (task, encoder, diagnostic) to both."""
    wrong = {}
    for toy, spec in TOYS.items():
        card = reprcheck.check(spec, dataset, POLICY, cache_dir=cache)
        seen = {(cell.setting.split(":")[1].split("/")[0], cell.diagnostic): cell.status for cell in card.cells}
        for task, table in DESERVED[dataset].items():
            for diagnostic, deserved in zip(DIAGNOSTICS, table.get(toy, NONE), strict=True):
                status = seen[task, diagnostic]
                if deserved != "?" and (status == "pass") != (deserved == "pass"):
                    wrong[task, toy, diagnostic] = f"deserved {deserved}, got {status}"
    return wrong
