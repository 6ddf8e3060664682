"""A running service: its parts, and what it does beside answering: it loads the models and counts conflicts."""

import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import anyio.to_thread

from beliefgraph.api.limits import Limits
from beliefgraph.api.metrics import Metrics
from beliefgraph.api.problems import STARTING, Kind, problem_of
from beliefgraph.bootstrap import BeliefGraph
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.model import UNDECIDED, ConflictStatus

_LOG = logging.getLogger("beliefgraph.api")


@dataclass(slots=True, kw_only=True)
class Service:
    """The parts of a running service. `wanting` is why it is not ready, None when it is."""

    graph: BeliefGraph
    limits: Limits
    metrics: Metrics
    wanting: Kind | None = STARTING

    async def load_models(self) -> None:
        """Load the models, so that no request has to wait for them; the service is not ready before."""
        try:
            await anyio.to_thread.run_sync(self.graph.warm_up, abandon_on_cancel=True)
        except BeliefGraphError as error:
            self.wanting = problem_of(error).kind
            _LOG.error("models", extra={"fields": {"error": type(error).__name__, "why": str(error)}})
        else:
            self.wanting = None
            _LOG.info("ready")

    async def count_conflicts(self) -> None:
        """Count the store's undecided conflicts again and again, a twentieth of the time at most, until cancelled."""
        ended = threading.Event()

        def check() -> None:
            if ended.is_set():
                raise _Ended

        alone = anyio.CapacityLimiter(1)  # no request waits for it
        try:
            while True:
                began = anyio.current_time()
                try:
                    undecided: Mapping[ConflictStatus, float] = await anyio.to_thread.run_sync(
                        lambda: self.graph.undecided_conflicts(on_user=check),
                        abandon_on_cancel=True,
                        limiter=alone,
                    )
                except Exception as error:  # whatever it is, requests are answered all the same
                    _LOG.warning("conflicts not counted", extra={"fields": {"error": type(error).__name__}})
                    undecided = dict.fromkeys(UNDECIDED, math.nan)
                self.metrics.set_conflicts(undecided)
                took_s = anyio.current_time() - began
                await anyio.sleep(max(self.limits.census_s, 19 * took_s))
        finally:
            ended.set()


class _Ended(Exception):
    """Nobody waits for a count any more."""
