"""The channel policy: how images of any number of channels enter a network that takes a certain number.

``native``: all channels at once, as they are. ``replicate``: each channel alone, repeated to as many as the network
takes, and the vectors of an image's channels concatenated in channel order. One of both is chosen where a SPEC says
nothing. ``stem``: the first layer is widened or narrowed to the images' channels (`models/torch/stem.py`), then
``native``. ``any`` is ``native`` for a network that takes any number.

``select:DNA,actin`` shows these channels, in this order, as if the images had no others. ``map:DNA=nucleus,ER=protein``
shows each role of the network the channel that is mapped to it, in the network's own order (``roles=…``); a role with
``-=ER`` stays black, and ``*=protein`` shows that role each channel that no other role has, one after the other, their
vectors concatenated. Channels are named as on the dataset's card, or by place from 0. The policy is part of an
encoder's digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError, did_you_mean
from reprcheck.types import Image

ChannelPolicy = Literal["native", "replicate"]
WHOLE = ("native", "replicate", "stem", "any")
"""What a SPEC may ask for without naming channels."""
NAMED = ("select", "map")
"""What a SPEC may ask for of channels that it names."""
BLACK = -1
"""Stands for a channel that isn't there."""


@dataclass(frozen=True)
class ChannelPlan:
    """What enters a network of an image.

    Attributes
    ----------
    policy : {"native", "replicate"}
    passes : tuple of tuple of int
        The channels of each pass, by place, `BLACK` for none; empty: all channels, as the policy says.
    """

    policy: ChannelPolicy = "native"
    passes: tuple[tuple[int, ...], ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What makes vectors differ."""
        return self.policy, *(" ".join(map(str, shown)) for shown in self.passes)

    def width(self, n_channels: int) -> int:
        """Return how many channels enter together of images with ``n_channels``, before any is repeated."""
        return 1 if self.policy == "replicate" else len(self.passes[0]) if self.passes else n_channels

    def names(self, channels: Sequence[str], where: str) -> tuple[str, ...]:
        """Return the names of what is shown, ``-`` for black. Raises UserError where that isn't the same each time."""
        if self.policy == "replicate" or len(self.passes) > 1:
            what = "names_as tells a network its channels, but they are shown in several passes"
            raise UserError(where, what, "write channels=any, or leave names_as out")
        places = self.passes[0] if self.passes else range(len(channels))
        return tuple("-" if place == BLACK else channels[place] for place in places)

    def planes(self, images: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Return what enters the network one by one: float32[C, H, W], or float32[1, H, W] under ``replicate``."""
        if self.passes:
            return [_picked(image.pixels, shown) for image in images for shown in self.passes]
        if self.policy == "native":
            return [image.pixels for image in images]
        return [image.pixels[c : c + 1] for image in images for c in range(len(image.pixels))]


NATIVE = ChannelPlan()


def choose(in_chans: int | None, n_channels: int, asked: str | None, where: str) -> ChannelPlan:
    """Return the plan for a network that takes ``in_chans`` channels (None: any) on images of ``n_channels``.

    Parameters
    ----------
    in_chans : int or None
    n_channels : int
    asked : str or None
        ``native``, ``replicate``, ``stem`` or ``any``; ``select:2,0``, or passes by place: ``map:2,-1,0;2,-1,1``.
    where : str

    Raises
    ------
    UserError
        Where the numbers disagree with what is asked for, or a place is none of the images' channels.

    Examples
    --------
    >>> choose(3, 3, None, "m").policy, choose(3, 2, None, "m").policy, choose(3, 5, "select:4,0,2", "m")
    ('native', 'replicate', ChannelPlan(policy='native', passes=((4, 0, 2),)))
    """
    kind, _, places = (asked or "").partition(":")
    if kind not in NAMED:
        return ChannelPlan(_policy(in_chans, n_channels, "native" if kind in ("stem", "any") else asked, where))
    passes = tuple(tuple(_place(place, n_channels, where) for place in shown.split(",")) for shown in places.split(";"))
    if kind == "map":
        return ChannelPlan(_policy(in_chans, len(passes[0]), "native", where), passes)
    policy = _policy(in_chans, len(passes[0]), None, where)
    return ChannelPlan(policy, passes if policy == "native" else tuple((place,) for place in passes[0]))


def by_place(asked: str, names: Sequence[str], roles: Sequence[str], where: str) -> str:
    """Return what a SPEC asks for of named channels, by their places among ``names``, for `choose`.

    Parameters
    ----------
    asked : str
        ``select:…`` or ``map:…``.
    names : sequence of str
        Of the images' channels.
    roles : sequence of str
        Of the network's channels; for ``map``.
    where : str

    Raises
    ------
    UserError
        For a channel that there isn't, a role that the network hasn't, one that is mapped twice or not at all.

    Examples
    --------
    >>> by_place("map:DNA=nucleus,*=protein", ["ER", "DNA", "actin"], ["nucleus", "protein"], "m")
    'map:1,0;1,2'
    """
    kind, _, rest = asked.partition(":")
    if kind == "select":
        return f"select:{','.join(str(_index(name, names, where)) for name in rest.split(','))}"
    chosen = _chosen(rest, roles, where)
    places = {
        role: BLACK if name == "-" else _index(name, names, where) for role, name in chosen.items() if name != "*"
    }
    others = [place for place in range(len(names)) if place not in places.values()]
    starred = next((role for role, name in chosen.items() if name == "*"), None)
    if starred is not None and not others:
        raise UserError(where, f"*={starred}, but every channel has another role", "leave one channel out of map")
    passes = [places] if starred is None else [places | {starred: place} for place in others]
    return f"map:{';'.join(','.join(str(shown[role]) for role in roles) for shown in passes)}"


def joined(vectors: NDArray[np.float32], n_images: int) -> NDArray[np.float32]:
    """Return float32[N, C * D] from the planes' vectors float32[N * C, D], channels in order."""
    return np.ascontiguousarray(vectors).reshape(n_images, -1)


def _policy(in_chans: int | None, n_channels: int, asked: str | None, where: str) -> ChannelPolicy:
    agree = in_chans in (None, n_channels)
    if asked == "native" and not agree:
        raise UserError(
            where,
            f"channels=native, but the model takes {in_chans} channels and the images have {n_channels}",
            f"write channels=replicate, or in_chans={n_channels} where the weights allow it",
        )
    return "replicate" if asked == "replicate" or (asked is None and not agree) else "native"


def _chosen(rest: str, roles: Sequence[str], where: str) -> dict[str, str]:
    """Return the channel that is mapped to each role, as a SPEC names it."""
    if not roles:
        raise UserError(where, "channels=map needs the network's own channels", "add roles=nucleus,ER, in its order")
    chosen: dict[str, str] = {}
    for pair in rest.split(","):
        name, equals, role = pair.partition("=")
        if not (name and equals and role):
            raise UserError(where, f"{pair!r} in channels=map isn't CHANNEL=ROLE", "write map:DNA=nucleus,ER=ER")
        if role not in roles:
            raise UserError(where, f"the network has no role {role!r}", did_you_mean(role, roles))
        if role in chosen:
            raise UserError(where, f"two channels are mapped to the role {role}", "keep one")
        chosen[role] = name
    missing = [role for role in roles if role not in chosen]
    if missing:
        what = f"no channel is mapped to the role {missing[0]}"
        raise UserError(where, what, f"map one to it, or write -={missing[0]} to leave it black")
    if list(chosen.values()).count("*") > 1:
        raise UserError(where, "two roles are shown the channels in turn", "write * for one of them")
    return chosen


def _index(name: str, names: Sequence[str], where: str) -> int:
    if name in names:
        return list(names).index(name)
    if name.isdigit() and int(name) < len(names):
        return int(name)
    raise UserError(where, f"the images have no channel {name!r}", did_you_mean(name, names))


def _place(text: str, n_channels: int, where: str) -> int:
    if not text.lstrip("-").isdigit():
        raise UserError(where, f"channels are named ({text}), but these images' aren't", "name them by place from 0")
    if int(text) >= n_channels:
        raise UserError(where, f"no channel {text} in images of {n_channels}", "count them from 0")
    return int(text)


def _picked(pixels: NDArray[np.float32], shown: Sequence[int]) -> NDArray[np.float32]:
    picked = pixels[list(shown)]
    picked[[place == BLACK for place in shown]] = 0
    return picked
