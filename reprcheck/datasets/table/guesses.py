"""What `data init` guessed and nobody has looked at: told with every task, until the card's `guessed` is empty.

A guess may be wrong in ways that no later check sees: a unit too fine, a label that is none. So each is named with what
was guessed, and with the columns that it could have been.
"""

from __future__ import annotations

import pandas as pd

from reprcheck.confounds.design import list_names
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested
from reprcheck.datasets.table.samples import texts

MOST = 0.5
"""Share of the rows up to which a column's values repeat enough for it to be a unit, or a label."""


def guesses(card: Card, table: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence on what of a card is a guess, and one on the columns that could be the unit instead.

    Parameters
    ----------
    card : Card
    table : pandas.DataFrame
        As read, with the columns that the card doesn't name.
    """
    if not card.guessed:
        return ()
    said = ", ".join(f"{key} ({value})" if (value := _value(card, key)) else key for key in card.guessed)
    found = [f"Guessed by `data init`: {said}. Look at each, then take it out of `guessed` on the card."]
    if "unit" in card.guessed and (others := _repeating(card, table)):
        unit = " in ".join(nested(card.columns.unit)) or "each sample by itself"
        found.append(f"Unit: {unit}; columns that repeat, not on the card, and could be it: {list_names(others)}.")
    return tuple(found)


def _value(card: Card, key: str) -> str:
    if key.startswith("tasks."):
        return next((f"label {' / '.join(t.label)}" for t in card.tasks if t.name == key.removeprefix("tasks.")), "")
    if key == "unit":
        return " in ".join(nested(card.columns.unit)) or "each sample by itself"
    if key == "value_range":
        return "the dtype's" if card.value_range is None else "{:g} to {:g}".format(*card.value_range)
    value = getattr(card, key, None) or getattr(card.columns, key, None)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def _repeating(card: Card, table: pd.DataFrame) -> list[str]:
    """Return columns of groups that the card doesn't name, the finest first, each with how many values it has."""
    columns = card.columns
    named = {column for _, column in card.named_columns()} | {*columns.image, *(at for _, at in columns.folders)}
    named |= {column for column in (columns.mask, columns.types, columns.frame) if column}
    counts = {}
    for column in map(str, table.columns):
        values = texts(table[column])
        n_values = len(set(values.tolist()))
        if column not in named and 2 < n_values <= MOST * len(values) and (values != "").all():
            counts[column] = n_values
    return [f"{column} ({n} values)" for column, n in sorted(counts.items(), key=lambda pair: -pair[1])]
