"""Compiled graphs of torch as modules: run as they were saved, and drawn afresh as untrained twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from reprcheck.errors import UserError
from reprcheck.models.failure import users_code
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.torch.redraw import NOISE, NOISE_REMEDY, noise, redraw
from reprcheck.models.torch.watching import Settle, Watch, watching


class Graph(torch.nn.Module):
    """A graph that somebody compiled.

    Its tensors keep the order in memory that they were saved in, since a graph may view them; and what it does in
    training was decided when it was saved.

    Parameters
    ----------
    run : callable
        float32[N, C, H, W] to what the graph returns; a module's tensors move with this one.
    weights : mapping of str to Tensor
        All that it holds, by name; changed in place, they change the graph.
    batch : int or None
        Images that it takes at a time, where it takes one number only.
    """

    def __init__(
        self, run: Callable[[torch.Tensor], Any], weights: Mapping[str, torch.Tensor], batch: int | None = None
    ) -> None:
        super().__init__()
        self.run, self.weights, self.batch = run, weights, batch
        own = {tensor.untyped_storage().data_ptr() for tensor in (*self.parameters(), *self.buffers())}
        constants = [tensor for tensor in weights.values() if tensor.untyped_storage().data_ptr() not in own]
        self.constants = torch.nn.ParameterList(torch.nn.Parameter(one, requires_grad=False) for one in constants)

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the graph makes of images; of whole batches where it takes one size of these only."""
        x = x.contiguous()
        if self.batch is None:
            return self.run(x)
        short = -len(x) % self.batch
        padded = torch.cat([x, x.new_zeros(short, *x.shape[1:])]) if short else x
        parts = [self.run(part) for part in torch.split(padded, self.batch)]
        if not all(isinstance(part, torch.Tensor) for part in parts):
            return parts[0]  # whoever asked says that it is no tensor
        return torch.cat(parts)[: len(x)]

    def train(self, mode: bool = True) -> Graph:
        """Return this module as it is."""
        return self

    def to(self, *args: Any, **kwargs: Any) -> Graph:
        """Move the tensors, whose order in memory stays."""
        kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs) if args or kwargs else self


def draw(built: BuiltNetwork, feed: Preprocessing, in_chans: int, seed: int, where: str) -> tuple[str, ...]:
    """Draw the weights of a built `Graph` afresh, in place, and return notes on what wasn't drawn honestly.

    Raises
    ------
    UserError
        Where the graph doesn't take noise of its own size, or holds no weights.
    """
    graph = built.module
    assert isinstance(graph, Graph)
    if not graph.weights:
        raise UserError(where, "holds no weights that could be drawn afresh", "give the model as py: or exec:")
    shown = noise(built, feed, in_chans, seed, where)
    with users_code(where, NOISE, NOISE_REMEDY):
        with watching(Watch(graph.weights)) as watch:
            graph(shown)
        notes = redraw(graph.weights, watch.uses, seed)
        with watching(Settle(graph.weights)):
            graph(shown)
    return notes
