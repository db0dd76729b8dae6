"""Describe what `data init` guessed and nobody has checked: a note on every task, until the card's `guessed` is empty.

A guess may be wrong in ways that no later check finds: a unit that is too fine, a column that is no label. So the note
names each guess and its value, and the columns that could be the unit instead.
"""

from __future__ import annotations

import pandas as pd

from reprcheck.confounds.design import list_names
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested
from reprcheck.datasets.table.samples import texts

MOST = 0.5
"""Share of the rows up to which a column's values repeat enough for it to be a unit, or a label."""


def describe_guesses(card: Card, table: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence on the card's guesses, and one on the columns that could be the unit instead.

    Parameters
    ----------
    card : Card
    table : pandas.DataFrame
        As read, with the columns that the card doesn't name.
    """
    if not card.guessed:
        return ()
    keys = ", ".join(f"{key} ({value})" if (value := _describe_value(card, key)) else key for key in card.guessed)
    sentences = [f"Guessed by `data init`: {keys}. Look at each, then take it out of `guessed` on the card."]
    if "unit" in card.guessed and (others := _find_repeating(card, table)):
        unit = " in ".join(nested(card.columns.unit)) or "each sample by itself"
        sentences.append(f"Unit: {unit}; columns that repeat, not on the card, and could be it: {list_names(others)}.")
    return tuple(sentences)


def _describe_value(card: Card, key: str) -> str:
    if key.startswith("tasks."):
        return next((f"label {' / '.join(t.label)}" for t in card.tasks if t.name == key.removeprefix("tasks.")), "")
    if key == "unit":
        return " in ".join(nested(card.columns.unit)) or "each sample by itself"
    if key == "value_range":
        return "the dtype's" if card.value_range is None else "{:g} to {:g}".format(*card.value_range)
    value = getattr(card, key, None) or getattr(card.columns, key, None)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def _find_repeating(card: Card, table: pd.DataFrame) -> list[str]:
    """Return columns of groups that the card doesn't name, the finest first, each with how many values it has."""
    columns = card.columns
    card_columns = {column for _, column in card.named_columns()} | {*columns.image, *(at for _, at in columns.folders)}
    card_columns |= {column for column in (columns.mask, columns.types, columns.frame) if column}
    counts = {}
    for column in map(str, table.columns):
        values = texts(table[column])
        n_values = len(set(values.tolist()))
        if column not in card_columns and 2 < n_values <= MOST * len(values) and (values != "").all():
            counts[column] = n_values
    return [f"{column} ({n} values)" for column, n in sorted(counts.items(), key=lambda pair: -pair[1])]
