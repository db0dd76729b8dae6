"""What reaches a model and what is taken from it, row by row, as it really runs: its network is built to find out."""

from __future__ import annotations

from collections.abc import Sequence

from reprcheck.models.channels import BLACK, ChannelPlan
from reprcheck.models.model import Model
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.probe import probe_images, side_of
from reprcheck.models.torch.encoder import TorchEncoder

Rows = list[tuple[str, str]]
"""What a row is about, and what there is to say."""


def describe(model: Model, channels: Sequence[str]) -> Rows:
    """Return rows on a model that is shown images with these channels.

    Raises
    ------
    UserError
        For a model that can't be built, or isn't one vector per image.
    """
    rows = [("model", model.name), ("spec", model.spec), ("digest", model.digest)]
    bound = model.on(channels)
    while isinstance(inner := getattr(bound, "inner", None), Model):
        bound = inner
    encoder = bound.encoder(len(channels))
    if isinstance(bound, NetworkModel) and isinstance(encoder, TorchEncoder):
        rows += _input(bound, encoder, channels)
        rows += _output(bound, encoder)
    vectors = encoder.encode(probe_images(len(channels), side_of(encoder)))
    rows.append(("vector", f"{vectors.shape[1]} numbers, float32"))
    twin = bound.untrained(len(channels), 0)
    notes = "none: the plain untrained networks stand in" if twin is None else _joined(getattr(twin, "notes", ()))
    rows.append(("untrained twins", notes or "the same architecture, every weight drawn afresh"))
    return rows + [("note", note) for note in model.on(channels).notes(len(channels))]


def _input(model: NetworkModel, encoder: TorchEncoder, channels: Sequence[str]) -> Rows:
    feed, prepare = model.feed, encoder.runner.prepare
    rows = [("channels", _channels(encoder.plan, channels, encoder.network.in_chans))]
    if feed.roles:
        rows.append(("roles", ", ".join(feed.roles)))
    if feed.percentiles:
        low, high = feed.percentiles
        rows.append(("stretched", f"each channel of an image from its percentile {low:g} to {high:g}, clipped"))
    rows.append(("size", _size(prepare.size, feed.fit, feed.resize, feed.interpolation)))
    if feed.normalise != "model":
        rows.append(("values", f"each {feed.normalise} of an image to mean 0 and standard deviation 1"))
    else:
        low, high = feed.range or (0, 1)
        mean, std = (", ".join(f"{v:.4g}" for v in t.flatten().tolist()) for t in (prepare.mean, prepare.std))
        plain = not prepare.mean.any() and bool((prepare.std == 1).all())
        rows.append(("values", f"{low:g} to {high:g}" + ("" if plain else f", less ({mean}), over ({std})")))
    return [*rows, ("precision", feed.precision)]


def _output(model: NetworkModel, encoder: TorchEncoder) -> Rows:
    readout = model.readout
    rows = [("method", readout.method or "forward")]
    rows += [(name, value) for name, value in (("layer", readout.features), ("key", readout.key)) if value]
    if readout.pool:
        prefix = encoder.runner.read.prefix
        rows.append(("pool", readout.pool + ("" if prefix is None else f", {prefix} prefix tokens")))
    return rows


def _channels(plan: ChannelPlan, channels: Sequence[str], takes: int) -> str:
    if plan.passes:
        passes = ("+".join("black" if c == BLACK else channels[c] for c in shown) for shown in plan.passes)
        return f"{'; then '.join(passes)}" + (f", each repeated to {takes}" if plan.policy == "replicate" else "")
    if plan.policy == "replicate":
        return f"each of {len(channels)} alone, repeated to {takes}, the vectors side by side (replicate)"
    return f"all {len(channels)} at once, as they are (native)"


def _size(size: int | None, fit: str, resize: int | None, interpolation: str) -> str:
    if size is None:
        return "the dataset's"
    how = {"resize": "squeezed", "crop": f"the middle, the shorter side at {resize or size}", "tile": "tiles, averaged"}
    return f"{size} x {size}, {how[fit]}, {interpolation}"


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(note.removeprefix("untrained twin: ") for note in notes)
