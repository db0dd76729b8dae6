"""The page of recipes: what each stands for, and what of it was verified."""

from __future__ import annotations

from collections.abc import Sequence

from reprcheck.models.recipe import Recipe
from reprcheck.models.spec import Spec

GATED = {True: "yes", False: "no", None: "see its page"}


def page(recipes: Sequence[Recipe]) -> str:
    """Return a table of recipes and a paragraph on each, in Markdown."""
    head = ["| `--model=` | encoder | numbers | licence | gated |", "|---|---|---|---|---|"]
    rows = [
        f"| `recipe:{one.name}` | {one.title} | {one.dimension} | {one.licence} | {GATED[one.gated]} |"
        for one in recipes
    ]
    return "\n".join([*head, *rows, "", *("\n".join(_about(one)) for one in recipes)])


def _about(recipe: Recipe) -> list[str]:
    source, _, target = recipe.model.partition(":")
    spec = str(Spec(source, target or "FILE.py:factory", recipe.options))
    return [
        f"## {recipe.title}",
        f"`{spec}`",
        "",
        f"- What is taken: {recipe.answer}.",
        *(f"- Needs `{option}=`: {what}." for option, what in recipe.needs.items()),
        f"- Verified: {'; '.join(recipe.verified)}.",
        f"- Not verified: {'; '.join(recipe.unverified)}.",
        f"- Cite: {recipe.citation}.",
        "",
    ]
