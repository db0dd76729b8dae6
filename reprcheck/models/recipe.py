"""Recipes: how a known encoder is used as its authors use it, as data. Ours lie in ``recipes/``, one file each.

A recipe names a source and a target, the options that make its vectors those of its authors, what is known of it, and
what of that was verified. It holds no weights and no code: whoever knows an encoder can write one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.spec import Option, Spec

SUFFIX = ".toml"
FROM, CHECKPOINT, DRAWN = "from", "checkpoint", "pretrained"
"""Options of a recipe's own: where it is loaded from instead; and those that leave a hub for a name of timm's."""


@dataclass(frozen=True)
class OwnNetwork:
    """The class of a recipe's network, so that it can be built without its weights.

    Attributes
    ----------
    library : {"timm", "transformers"}
    name : str
        timm's name of the architecture, or the type of a configuration of transformers.
    keywords : mapping
        Of the architecture, beside those among the recipe's options; or of the configuration.
    """

    library: str
    name: str
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How an encoder is used.

    Attributes
    ----------
    name : str
        Of its file.
    title : str
    model : str
        The SPEC without options: ``timm:hf-hub:MahmoodLab/uni``; ``py:`` alone where ``from=`` must say it.
    dimension : int
        Length of its vector; of one channel, where channels are shown one by one.
    licence, citation : str
    answer : str
        Which vector is taken, of several that are in use.
    verified, unverified : tuple of str
        What is known from where, and what isn't.
    options : mapping
        Of the SPEC.
    needs : mapping of str to str
        Options that whoever asks must give, and what to give.
    gated : bool or None
        Whether its owners must be asked; None: not known.
    network : OwnNetwork or None
    """

    name: str
    title: str
    model: str
    dimension: int
    licence: str
    citation: str
    answer: str
    verified: tuple[str, ...]
    unverified: tuple[str, ...]
    options: Mapping[str, Option] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    gated: bool | None = None
    network: OwnNetwork | None = None

    def spec(self, asked: Spec) -> Spec:
        """Return the SPEC that the recipe stands for, with options added or replaced.

        Parameters
        ----------
        asked : Spec
            ``recipe:NAME`` and its options. ``from=`` is another target: a folder, or a factory; with ``checkpoint=``
            or ``pretrained=false`` a network of timm is built by its name instead of from a hub.

        Raises
        ------
        UserError
            For an option that must be given and isn't.
        """
        for option, what in self.needs.items():
            if option not in asked.options:
                raise UserError(asked.where, f"the recipe {self.name} needs {option}=", f"give {what}")
        given = {key: value for key, value in asked.options.items() if key != FROM}
        source, _, target = self.model.partition(":")
        if FROM in asked.options:
            stored = "local-dir:" if source == "timm" else ""
            target = f"{stored}{asked.options[FROM]}"
        elif {CHECKPOINT, DRAWN} & given.keys() and self.network is not None and self.network.library == source:
            target = self.network.name
            given = {**self.network.keywords, **given}
        return Spec(source, target, {"name": self.name, **self.options, **given})


def names() -> tuple[str, ...]:
    """Return the names of our recipes, sorted."""
    folder = files(__package__) / "recipes"
    return tuple(sorted(entry.name.removesuffix(SUFFIX) for entry in folder.iterdir() if entry.name.endswith(SUFFIX)))


def read_recipe(name: str, where: str) -> Recipe:
    """Return one of our recipes by its name, or anybody's by its file.

    Raises
    ------
    UserError
        For a name that there isn't, a file that can't be read, or keys that are missing or unknown.
    """
    if name.endswith(SUFFIX):
        path = Path(name).expanduser()
        if not path.is_file():
            raise UserError(where, f"no file {name}", "check the path")
        return _recipe(path.stem, path.read_bytes(), str(path))
    if name not in names():
        raise UserError(where, f"no recipe {name!r}", did_you_mean(name, names()))
    return _recipe(name, (files(__package__) / "recipes" / f"{name}{SUFFIX}").read_bytes(), f"recipe {name}")


def _recipe(name: str, content: bytes, where: str) -> Recipe:
    try:
        values: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(where, f"is no TOML: {error}", "correct it") from None
    known = {one.name for one in fields(Recipe)} - {"name"}
    for key in values:
        if key not in known:
            raise UserError(f"{where}: {key}", "unknown key", did_you_mean(key, known))
    for one in ("title", "model", "dimension", "licence", "citation", "answer", "verified", "unverified"):
        if one not in values:
            raise UserError(where, f"no {one}", "add it")
    if ":" not in str(values["model"]):
        raise UserError(f"{where}: model", f"{values['model']!r} names no source", "write timm:NAME, say")
    network = values.pop("network", None)
    values |= {key: tuple(values[key]) for key in ("verified", "unverified")}
    try:
        return Recipe(name, **values, network=network and OwnNetwork(**network))
    except TypeError as error:
        raise UserError(f"{where}: network", str(error), "it has library, name and keywords") from None
