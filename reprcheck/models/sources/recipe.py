"""``recipe:NAME``, ``recipe:FILE.toml``: an encoder that is known, used as its authors use it; see `models.recipe`.

It is opened by the source that the recipe names, under the SPEC that the recipe stands for, so that a scorecard shows
all that was declared. Options are those of that source, and replace the recipe's.
"""

from __future__ import annotations

from reprcheck.errors import UserError
from reprcheck.models import recipe
from reprcheck.models.model import Model
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


class RecipeSource(Source):
    """Models by recipe."""

    target = "NAME"
    what = "a known encoder, as its authors use it"
    example = "recipe:uni"
    options = None
    twins = "those of the source that the recipe names"

    def open(self, spec: Spec) -> Model:
        """Return the model; raises UserError for a recipe that there isn't, and whatever its source refuses."""
        from reprcheck.models.grammar import parse
        from reprcheck.models.resolve import open_spec

        found = recipe.read_recipe(spec.target, spec.where)
        inner = found.spec(spec)
        if inner.source == "recipe":
            raise UserError(spec.where, f"{found.model} is a recipe of a recipe", "name its source")
        return open_spec(parse(str(inner)))  # values as the SPEC has them

    def short_name(self, spec: Spec) -> str:
        """Return the recipe's name."""
        return spec.target


RECIPE = RecipeSource()
