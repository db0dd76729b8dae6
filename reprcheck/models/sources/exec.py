"""``exec:COMMAND``: an encoder in an environment of its own, asked over its standard input and output.

For what can't be imported here: TensorFlow, JAX, old pins. What is said is in `reprcheck.models.conversation`. The
command is run as it is, in the working directory, by no shell. The encoder is known by the identity that it tells, by
the words of the command, and by the bytes of the files among them.
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError, shown
from reprcheck.models import options
from reprcheck.models.conversation import PROTOCOL, Conversation
from reprcheck.models.functions import CallableModel
from reprcheck.models.model import Model, safe
from reprcheck.models.preprocessing import EVERY_MODEL, Preprocessing
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.models.stand_in import StandIn

PATIENCE = 300
"""Seconds that an answer may take, unless ``timeout=`` says."""
TWINS = "the encoder's own verb `untrained`, where it has it"


class Exec(Source):
    """Encoders by the command that starts them."""

    target = "COMMAND"
    what = "an encoder in an environment of its own"
    example = "exec:python examples/exec/encoder.py"
    options = ("in_chans", "timeout", *EVERY_MODEL)
    twins = TWINS

    def open(self, spec: Spec) -> ProcessModel:
        """Return the model; starts nothing. Raises UserError for bad options."""
        return ProcessModel(spec, self.name_of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the name of the last file that the command names, else its first word."""
        words = spec.target.split()
        files = [Path(word).stem for word in words if Path(word).suffix]
        return (files or [Path(words[0]).name])[-1]


EXEC = Exec()


@dataclass(frozen=True)
class Description:
    """What an encoder says of itself.

    Attributes
    ----------
    identity : str
        Another text for other weights.
    channels : int or None
        Channels that it takes; None: any.
    untrained : bool
        Whether it can be drawn afresh.
    """

    identity: str
    channels: int | None
    untrained: bool


class ProcessModel(StandIn):
    """An encoder in a process of its own.

    Parameters
    ----------
    spec : Spec
    name : str
    """

    def __init__(self, spec: Spec, name: str) -> None:
        self.spec, self.name, self.where, self.command = str(spec), safe(name), spec.where, spec.target
        self.patience = options.count(spec, "timeout") or PATIENCE
        self._in_chans, self._feed = options.count(spec, "in_chans"), Preprocessing.of(spec)

    @cached_property
    def described(self) -> Description:
        """What the encoder says of itself; starts it."""
        return describe(self._conversation)

    @cached_property
    def _conversation(self) -> Conversation:
        return Conversation(self.command, self.where, self.patience)

    @cached_property
    def inner(self) -> Model:
        """The model of what the process answers; starts it."""
        said = self.described
        function = (DrawableFunction if said.untrained else ProcessFunction)(self._conversation)
        known = digest("exec", said.identity, _told(self.command))
        asked = self._in_chans or said.channels, self._feed.channels
        told = (f"Untrained twins: {TWINS}.",) if said.untrained else ()
        return CallableModel(self.spec, self.name, self.where, function, known, *asked, self._feed.roles, told=told)


class ProcessFunction:
    """What an encoder makes of arrays, float32[N, C, H, W] to float32[N, D]; ``seed``: once it was drawn afresh."""

    def __init__(self, conversation: Conversation, seed: int | None = None) -> None:
        self.conversation, self.seed, self._is_drawn = conversation, seed, False

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[Any]:
        """Return the vectors of images. Raises UserError."""
        if self.seed is not None and not self._is_drawn:
            self.conversation.ask("untrained", seed=self.seed)
            self._is_drawn = True
        _, arrays = self.conversation.ask("embed", {"images": pixels})
        if "vectors" not in arrays:
            what = f"the encoder sent {', '.join(arrays) or 'no arrays'} in place of vectors"
            raise UserError(self.conversation.where, what, 'answer "embed" with {"vectors": float32[N, D]}')
        return arrays["vectors"]


class DrawableFunction(ProcessFunction):
    """The same, of an encoder that can be drawn afresh."""

    def untrained(self, seed: int) -> ProcessFunction:
        """Return the encoder drawn afresh from a seed, in another process."""
        talk = self.conversation
        return ProcessFunction(Conversation(talk.command, talk.where, talk.patience), seed)


def describe(conversation: Conversation) -> Description:
    """Return what an encoder says of itself. Raises UserError for what it can't mean."""
    answer, _ = conversation.ask("describe", protocol=PROTOCOL)
    identity, channels, untrained = answer.get("identity"), answer.get("channels"), answer.get("untrained", False)
    is_count = isinstance(channels, int) and not isinstance(channels, bool) and channels > 0
    for key, is_meant, wanted in (
        ("identity", isinstance(identity, str) and identity, "a text that changes with the weights"),
        ("channels", channels is None or is_count, "a whole number from 1, or null for any"),
        ("untrained", isinstance(untrained, bool), "true or false"),
    ):
        if not is_meant:
            what = f"the encoder describes itself with {key} {shown(answer.get(key))}"
            raise UserError(conversation.where, what, f"answer with {wanted}")
    return Description(str(identity), channels, untrained)


def _told(command: str) -> list[str]:
    """Return what a command says: its words, those that name files by their bytes, after an equals sign too.

    The program itself counts by its name; a script by its bytes.
    """
    program, *words = shlex.split(command)
    parts = (word.rpartition("=") for word in words)
    return [_program(program), *(f"{name}{equals}{_word(value)}" for name, equals, value in parts)]


def _program(name: str) -> str:
    path = Path(shutil.which(name) or name).expanduser()
    if path.is_file():
        with path.open("rb") as file:
            if file.read(2) == b"#!":
                return file_digest(path)
    return Path(name).name


def _word(word: str) -> str:
    path = Path(word).expanduser()
    return file_digest(path) if path.is_file() else word
