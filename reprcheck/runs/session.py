"""A run: models over datasets, each thing computed once, from encoders to verdicts.

The front doors ask a `Session` for verdicts one by one: `reprcheck.check` in its own process, the pytest plugin and the
command line in a `reprcheck.runs.child`. The order of questions doesn't matter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from threadpoolctl import threadpool_limits

from reprcheck.diagnostics import judge
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.embed.cache import Cache
from reprcheck.embed.embedder import Embedder
from reprcheck.embed.engine import Progress
from reprcheck.embed.fill import Fill, Recipe, fill_here
from reprcheck.embed.parts import Part, PartEmbedder
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.errors import Option, UserError
from reprcheck.models import Model
from reprcheck.models.failure import because
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS
from reprcheck.runs.benches import Benches
from reprcheck.runs.embed import Tally, embed
from reprcheck.runs.opponents import Pass
from reprcheck.runs.questions import Question
from reprcheck.scorecard.waiving import waive
from reprcheck.types import Cell, Dataset, Setting

LOG = logging.getLogger(__name__)
"""Where the traceback of an error goes, at level DEBUG."""


@dataclass
class Session:
    """What a run has computed so far.

    Parameters
    ----------
    policy : Policy
    cache : Cache
    progress : Progress
        Makes progress bars.
    today : date
        Decides which waivers still hold.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.
    engine : callable
        As `Embedder` has it.
    """

    policy: Policy
    cache: Cache
    progress: Progress
    today: date = field(default_factory=date.today)
    batch_timeout: float = BATCH_TIMEOUT
    engine: Callable[[Recipe], Fill] = lambda recipe: fill_here
    _asked: dict[tuple[str, ...], tuple[Bench, Setting]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._benches = Benches(self.policy, Embedder(self.cache, self.progress, self.batch_timeout, self.engine))

    def ask(self, model: Model, dataset: Dataset, question: Question) -> tuple[Cell, Setting | None]:
        """Return the verdict on one question, and its setting.

        Linear algebra runs on one thread: many small solves are faster so, on a shared machine by far, and sums don't
        depend on how many cores there are.

        Returns
        -------
        Cell
            Whatever raises on the way to a verdict makes it an ``error``, whose statement names the cause.
        Setting or None
            None where the setting couldn't be described.

        Raises
        ------
        UserError
            For what the user can put right.
        """
        try:
            with threadpool_limits(1):
                bench, setting = self._at(model, dataset, question)
                cell = waive(judge(question.diagnostic, bench, setting), setting, self.policy, self.today)
                self.cache.share()
                return cell, setting
        except (UserError, KeyboardInterrupt):
            raise
        except Exception as error:
            LOG.debug("%s %s", question.setting, question.diagnostic, exc_info=error)
            return question.error(because(error)), None
        except BaseException as error:  # only a model's code would end the program
            what, remedy = f"its code raised {because(error)}", "keep what ends the program out of the model"
            raise UserError(Option("model", model.spec), what, remedy) from error

    def embed(self, model: Model, dataset: Dataset, part: Part) -> Tally:
        """Embed what the questions about a model need, of all samples or a part. Raises UserError."""
        cache = Cache(self.cache.folder, crowded=part.count > 1, remote=self.cache.remote)
        embedder = PartEmbedder(cache, self.progress, self.batch_timeout, self.engine, part=part)
        return embed(model, dataset, self.policy, embedder)

    def passes(self, model: Model, dataset: Dataset, questions: Sequence[Question]) -> Iterator[Pass]:
        """Yield what must be embedded for questions about a model on a dataset, as far as it is known before."""
        matched = any(DIAGNOSTICS.get(question.diagnostic).matched for question in questions)
        for channels in {dataset.tasks[question.task].channels: None for question in questions}:
            yield from self._benches.opponents.passes(model, dataset, channels, matched)

    def _at(self, model: Model, dataset: Dataset, question: Question) -> tuple[Bench, Setting]:
        key = (model.digest, model.name, dataset.digest, question.setting)
        if key not in self._asked:
            bench = self._benches.of_model(model, dataset, dataset.tasks[question.task], question.protocol)
            self._asked[key] = bench, describe_setting(bench)
        return self._asked[key]
