"""What can be asked for by name, one line each: ours here, and those of installed extensions by their entry points.

A line says where a thing is, ``module:attribute``; nothing is imported before it is asked for. An extension declares
the same line in its own metadata, in the entry-point group that the registry is named after:

    [project.entry-points."reprcheck.protocols"]
    "mine/1" = "mypackage.mine:MINE"

Ours come first, in the order of their lines, then those of extensions, sorted by name. A name is given once: two things
of one name are refused, whoever brings them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reprcheck.errors import UserError, did_you_mean


class ExtensionWarning(UserWarning):
    """An extension that is installed, and can't be used."""


@dataclass(frozen=True, eq=False)
class Registry:
    """Things of one kind by name.

    Attributes
    ----------
    group : str
        Of the entry points; also where an error says that it lies.
    noun : str
        What a thing is called in messages.
    contract : str
        ``module:Class`` that each must be an instance of.
    own : mapping of str to str
        Names to ``module:attribute``, in the order in which they are told.
    replaced : mapping of str to str
        Names of things that are no more to those that took their place.
    """

    group: str
    noun: str
    contract: str
    own: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        ours = [EntryPoint(name, where, self.group) for name, where in self.own.items()]
        entries: dict[str, EntryPoint] = {}
        for entry in (*ours, *sorted(entry_points(group=self.group), key=lambda entry: (entry.name, _origin(entry)))):
            other = entries.setdefault(entry.name, entry)
            if other is not entry and (_origin(other), other.value) != (_origin(entry), entry.value):
                both = f"both {_origin(other)} and {_origin(entry)} bring a {self.noun} named {entry.name!r}"
                raise UserError(self.group, both, "uninstall one of them")
        return entries

    def names(self) -> tuple[str, ...]:
        """Return all names, those of extensions that can't be loaded among them. Raises UserError for two of a name."""
        return tuple(self._entries)

    def renew(self, text: str) -> str:
        """Return a text that ends in a name; in one that was replaced, with the name that took its place.

        >>> PROTOCOLS.renew("sim-culture:localisation/probe/1"), PROTOCOLS.renew("knn/1")
        ('sim-culture:localisation/probe/2', 'knn/1')
        """
        for old, new in self.replaced.items():
            if text == old or text.endswith((f"/{old}", f"@{old}", f"*{old}")):
                return text.removesuffix(old) + new
        return text

    def origin(self, name: str) -> str:
        """Return the distribution that brings a thing and its version: ``"reprcheck"`` for ours."""
        return _origin(self._entries[name])

    def get(self, name: str, where: str = "") -> Any:
        """Return the thing of this name.

        Parameters
        ----------
        name : str
        where : str
            Who asks for it, for the message of an error: a file and key, or an option.

        Raises
        ------
        UserError
            Where there is none, or its extension can't be loaded.
        """
        if name not in self._entries:
            raise UserError(where or self.group, f"no {self.noun} named {name!r}", did_you_mean(name, self.names()))
        entry = self._entries[name]
        try:
            return self._load(entry)
        except Exception as error:
            if entry.dist is None:
                raise
            what = f"the {self.noun} {name!r} of {_origin(entry)} can't be loaded: {_reason(error)}"
            raise UserError(where or self.group, what, f"repair or uninstall {entry.dist.name}") from error

    @contextmanager
    def running(self, name: str, where: str = "") -> Iterator[None]:
        """Run code of the thing of this name; what it raises becomes a mistake that names its distribution.

        A `UserError` passes through, and so does whatever our own code raises.

        Raises
        ------
        UserError
        """
        try:
            yield
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            dist = self._entries[name].dist
            if dist is None:
                raise
            what = f"the {self.noun} {name!r} of {self.origin(name)} raised {_reason(error)}"
            raise UserError(where or self.group, what, f"report it to the authors of {dist.name}") from error

    def things(self) -> Iterator[tuple[str, Any]]:
        """Yield every name with its thing; one of an extension that can't be loaded is warned of and left out."""
        for name in self.names():
            try:
                yield name, self.get(name)
            except UserError as error:
                warnings.warn(f"{error.where}: {error.what}; it is left out", ExtensionWarning, stacklevel=2)

    def _load(self, entry: EntryPoint) -> Any:
        thing = entry.load()
        contract = EntryPoint("", self.contract, "").load()
        if not isinstance(thing, contract):
            raise TypeError(f"{entry.value} is no {contract.__name__}")
        known_as = getattr(thing, "id", getattr(thing, "name", entry.name))
        if known_as != entry.name:
            raise TypeError(f"{entry.value} calls itself {known_as!r}")
        return thing


def _origin(entry: EntryPoint) -> str:
    return "reprcheck" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


DIAGNOSTICS = Registry(
    "reprcheck.diagnostics",
    "diagnostic",
    "reprcheck.diagnostics.diagnostic:Diagnostic",
    {
        "beats_untrained": "reprcheck.diagnostics.beats_untrained:BEATS_UNTRAINED",
        "beats_structure": "reprcheck.diagnostics.beats_structure:BEATS_STRUCTURE",
        "beats_texture": "reprcheck.diagnostics.beats_texture:BEATS_TEXTURE",
        "beyond_intensity": "reprcheck.diagnostics.beyond_intensity:BEYOND_INTENSITY",
    },
)
REFERENCES = Registry(
    "reprcheck.baselines",
    "baseline",
    "reprcheck.baselines.reference:Reference",
    {
        "untrained": "reprcheck.runs.recipes:UNTRAINED",
        "shuffled": "reprcheck.runs.recipes:SHUFFLED",
        "structure": "reprcheck.baselines.structure.baseline:STRUCTURE",
        "composition": "reprcheck.baselines.structure.baseline:COMPOSITION",
        "cell_count": "reprcheck.baselines.structure.cell_count:CELL_COUNT",
        "cellprofiler": "reprcheck.baselines.cellprofiler:CELLPROFILER",
        "texture": "reprcheck.baselines.texture.baseline:TEXTURE",
        "intensity": "reprcheck.baselines.intensity:INTENSITY",
        "pixels": "reprcheck.baselines.pixels:PIXELS",
        "batch": "reprcheck.confounds.nuisance:BATCH",
        "position": "reprcheck.confounds.nuisance:POSITION",
        "metadata": "reprcheck.confounds.nuisance:METADATA",
        "size": "reprcheck.confounds.nuisance:SIZE",
        "depth": "reprcheck.confounds.nuisance:DEPTH",
    },
)
PROTOCOLS = Registry(
    "reprcheck.protocols",
    "protocol",
    "reprcheck.protocols.protocol:Protocol",
    {
        "probe/2": "reprcheck.protocols.probe:PROBE",
        "knn/1": "reprcheck.protocols.knn:KNN",
        "ridge/1": "reprcheck.protocols.ridge:RIDGE",
        "dose-response/1": "reprcheck.protocols.dose_response:DOSE_RESPONSE",
        "nsc/1": "reprcheck.protocols.nsc:NSC",
        "nscb/1": "reprcheck.protocols.nscb:NSCB",
    },
    replaced={"probe/1": "probe/2"},
)
SOURCES = Registry(
    "reprcheck.models",
    "model source",
    "reprcheck.models.sources.source:Source",
    {
        "clip": "reprcheck.models.sources.clip:CLIP",
        "demo": "reprcheck.models.sources.demo:DEMO",
        "emb": "reprcheck.models.sources.emb:EMB",
        "exec": "reprcheck.models.sources.exec:EXEC",
        "hf": "reprcheck.models.sources.hf:HF",
        "hub": "reprcheck.models.sources.hub:HUB",
        "onnx": "reprcheck.models.sources.onnx:ONNX",
        "pt2": "reprcheck.models.sources.pt2:PT2",
        "py": "reprcheck.models.sources.py:PY",
        "recipe": "reprcheck.models.sources.recipe:RECIPE",
        "timm": "reprcheck.models.sources.timm:TIMM",
        "torchscript": "reprcheck.models.sources.torchscript:TORCHSCRIPT",
    },
)
DATASETS = Registry("reprcheck.datasets", "dataset", "reprcheck.datasets.named:NamedDataset")
REPORTERS = Registry(
    "reprcheck.reporters",
    "reporter",
    "reprcheck.reporters.reporter:Reporter",
    {
        "markdown": "reprcheck.reporters.markdown:MARKDOWN",
        "html": "reprcheck.reporters.page:HTML",
        "svg": "reprcheck.reporters.forest:SVG",
        "csv": "reprcheck.reporters.rows:CSV",
        "parquet": "reprcheck.reporters.rows:PARQUET",
        "latex": "reprcheck.reporters.latex:LATEX",
        "junit": "reprcheck.reporters.junit:JUNIT",
        "badge": "reprcheck.reporters.badge:BADGE",
        "hf": "reprcheck.reporters.eval_results:EVAL_RESULTS",
    },
)
DEFAULT_REPORTS = ("markdown",)
"""The reporters that a run of the gate asks where it isn't told which."""
