"""From what the user names to a `Model`: a SPEC, or an object in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.grammar import parse
from reprcheck.models.model import Model, safe
from reprcheck.models.objects import Origin, model_of
from reprcheck.models.sources.source import EVERYWHERE, Source
from reprcheck.models.spec import Spec
from reprcheck.registry import SOURCES


def resolve_model(spec: object, registered: Mapping[str, str] | None = None) -> Model:
    """Return the model that a SPEC or an object stands for.

    Parameters
    ----------
    spec : str or object
        A SPEC (`reprcheck.models.grammar`), a ``torch.nn.Module``, a callable on numpy arrays (float32[N, C, H, W] in
        [0, 1] to float32[N, D]), an `reprcheck.types.Encoder`, or a `Model`, which is returned as it is.
    registered : mapping of str to str, optional
        Bare name to SPEC.

    Returns
    -------
    Model
        Nothing is built, and neither torch nor the user's code imported.

    Raises
    ------
    UserError
        For a SPEC that can't be parsed, an unknown option, a file that isn't there, or an object that is no model.

    Examples
    --------
    >>> resolve("timm:resnet18?pretrained=false").name
    'resnet18'
    """
    if isinstance(spec, Model):
        return spec
    if isinstance(spec, str):
        return open_spec(parse(spec, registered))
    names = (getattr(spec, "name", None), getattr(spec, "__name__", None), type(spec).__name__)
    name = safe(next(name for name in names if isinstance(name, str) and name))
    return model_of(spec, Origin(f"object:{name}", name, f"model {name}"))


def open_spec(spec: Spec) -> Model:
    """Return the model of a parsed SPEC, pinned where it has ``pin=FILE``.

    Raises
    ------
    UserError
        For an unknown option, and whatever its source refuses.
    """
    source: Source = SOURCES.get(spec.source, spec.where)
    unpinned = Spec(spec.source, spec.target, {key: value for key, value in spec.options.items() if key != "pin"})
    if source.options is not None and not source.more:
        options.only(unpinned, (*EVERYWHERE, *source.options))
    with SOURCES.running(spec.source, spec.where):
        model = source.open(unpinned)
        if not isinstance(model, Model):
            raise TypeError(f"open returned a {type(model).__name__}, which is no Model")
    pin = options.text(spec, "pin")
    if pin is None:
        return model
    if not model.embeds_images:
        raise UserError(spec.where, "vectors that are there already can't be compared with a pin", "leave pin out")
    from reprcheck.models.pin import Pin, PinnedModel

    return PinnedModel(model, Pin.read(Path(pin).expanduser()), spec)
