"""Where models come from: each source is one file and one line of `reprcheck.registry.SOURCES`, or an entry point.

The line's name is what a SPEC begins with: ``--model=NAME:TARGET``, or ``--model=NAME`` of a source without a target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from reprcheck.models import options
from reprcheck.models.model import Model, safe
from reprcheck.models.spec import Spec

EVERYWHERE = ("name", "pin")
"""Options that any SPEC may have."""


class Source(ABC):
    """Opens models of one kind.

    Attributes
    ----------
    target : str
        What follows the colon, as messages write it: ``FILE.npy``. Empty where the name says all.
    options : sequence of str or None
        Options that a SPEC may have, beside ``name``. None: any, and the source reads what it likes.
    more : str
        What else it takes beside ``options``, in words; empty where nothing.
    what : str
        What its models are, in a table: Markdown without a full stop.
    example : str
        A SPEC, for a table.
    twins : str
        How untrained twins of its models are drawn, for tables and reports; empty where there are none.

    Examples
    --------
    A source ``double:FACTOR``, in the ``[project.entry-points."reprcheck.models"]`` of its package
    ``double = "double:DOUBLE"``::

        class Double(Source):
            target = "FACTOR"

            def open(self, spec):
                return model_of(Times(float(spec.target)), Origin(str(spec), self.name_of(spec), spec.where))

        DOUBLE = Double()
    """

    target: str = ""
    options: Sequence[str] | None = ()
    more: str = ""
    what: str = ""
    example: str = ""
    twins: str = ""

    @abstractmethod
    def open(self, spec: Spec) -> Model:
        """Return the model of a SPEC.

        Cheap: what takes long waits for the first image. The model is pickled to reach the process that runs it.
        `reprcheck.models.objects.model_of` makes one of a module of torch, a callable on arrays, or an encoder.

        Parameters
        ----------
        spec : Spec
            Its target isn't empty where the source has one, and its options are known.

        Raises
        ------
        UserError
            For an option of the wrong kind, or a target that isn't there.
        """

    def short_name(self, spec: Spec) -> str:
        """Return what a model without a ``name`` option is called: its target, and the seed of a draw."""
        name = spec.target or spec.source
        return f"{name}-seed{spec.options['seed']}" if "seed" in spec.options else name

    def name_of(self, spec: Spec) -> str:
        """Return the model's name: its ``name`` option, else `short_name`, in letters that any file system takes."""
        return safe(options.text(spec, "name") or self.short_name(spec))

    def suggestion(self, text: str) -> str:
        """Return a remedy for a bare text that is no model's name, where it looks like a target of this source."""
        return ""
