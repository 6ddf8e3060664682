"""`python docs/pictures.py`: draw the pictures of docs/mathematics.md from the functions that the product runs.

Needs the extra `plot`. Nothing here is data; every line is what the shipped parameters give.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.contradiction import conflict_nats
from beliefgraph.graph.folding import append
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, fade, logit, read_state, sigmoid
from beliefgraph.graph.model import Tally
from beliefgraph.ingest.attribution import Premise, attribute, satisfaction
from beliefgraph.ingest.habits import habit_of
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.ingest.signal_parameters import TagParameters

_INK = "#333333"
_COLOURS = ("#1f5fa8", "#c0504d", "#3f8f5b", "#d98324", "#7a5ba6")
_BELIEF = BeliefId("b")
_LIKES, _DISLIKES = 100, 60
_MILD = [0.4] * _LIKES + [-0.4] * _DISLIKES


def main() -> None:
    """Draw all four beside each other into one file."""
    parameters = load_parameters()
    figure = Figure(figsize=(10.0, 8.0), dpi=120, layout="constrained")
    panels = figure.subplots(2, 2)
    _meanings(panels[0, 0], parameters)
    _memory(panels[0, 1], parameters)
    _fading(panels[1, 0], parameters)
    _contradiction(panels[1, 1])
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_INK)
        axes.grid(axis="y", color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
    figure.savefig(Path(__file__).parent / "mathematics.png")
    _print_numbers(parameters)


def _print_numbers(parameters: Parameters) -> None:
    """Print the numbers that docs/mathematics.md says of the pictures and of habits."""
    memory = parameters.memory
    for name, change in (("as shipped", memory.change_nats), ("with the memory alone", math.inf)):
        falling = _confidences(_MILD, memory.nats, change)[_LIKES:]
        print(f"{_LIKES} mild likes, {name}: turned by dislike {1 + sum(c > 0.5 for c in falling)}")
    premise = Premise(weight=1.0, adherence=parameters.attribution.adherence, confidence=0.6)
    good = parameters.signal("rating").good_outcome(satisfaction([premise], parameters.attribution.faults))
    print(f"P(habit) of who always gives the same, where P(good) was foreseen as {good:.2f}")
    for ratings in (2, 3, 5, 7, 8, 12):
        down = Tally(good=0.0, bad=ratings, nats=ratings * math.log(1.0 - good))
        up = Tally(good=ratings, bad=0.0, nats=ratings * math.log(good))
        found = [habit_of(tally, parameters.habits).regardless for tally in (down, up)]
        print(f"  after {ratings:>2}: thumbs-down {found[0]:.2f}, thumbs-up {found[1]:.2f}")


def _meanings(axes: Axes, parameters: Parameters) -> None:
    """What one thumbs-down makes of a belief that was alone behind the response, by what comes with it."""
    thumb = parameters.signal("rating").emission(-1.0, 1.0, None)
    slip = parameters.signal("rating").emission(-1.0, 1.0, parameters.tags["mistake"].accident)
    none = TagParameters()
    cases = [
        ("no reason", none, thumb),
        ("“inaccurate”", parameters.tags["inaccurate"], thumb),
        ("“ignored preference”", parameters.tags["ignored_preference"], thumb),
        ("“too long”", parameters.tags["too_long"], thumb),
        ("“mistake”", none, slip),
    ]
    before = np.linspace(0.02, 0.98, 97)
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1, linestyle="--")
    for (name, tag, emission), colour in zip(cases, _COLOURS, strict=True):
        after = []
        for confidence in before:
            premise = Premise(
                weight=1.0,
                adherence=parameters.attribution.adherence,
                confidence=float(confidence),
                wrong_ratio=tag.wrong,
                missed_ratio=tag.missed,
            )
            faults = parameters.attribution.faults
            read = attribute([premise], [emission], faults, form_ratio=tag.form, other_ratio=tag.other)
            after.append(sigmoid(logit(float(confidence)) + read.nats[0]))
        axes.plot(
            before, after, color=colour, label=name, linestyle=":" if emission is slip else "-", linewidth=2
        )
    axes.legend(frameon=False, title="thumbs-down, and")
    _title(axes, "What a thumbs-down means", "confidence before", "confidence after")


def _memory(axes: Axes, parameters: Parameters) -> None:
    """A belief through a hundred mild likes, then dislikes: as shipped, with the memory alone, without either."""
    memory = parameters.memory
    for (bound, change, name), colour in zip(
        (
            (memory.nats, memory.change_nats, "as shipped"),
            (memory.nats, math.inf, f"memory of {memory.nats:g} nats alone"),
            (math.inf, math.inf, "neither"),
        ),
        _COLOURS,
        strict=False,
    ):
        axes.plot(range(1, len(_MILD) + 1), _confidences(_MILD, bound, change), color=colour, label=name)
    axes.axvline(100.5, color="0.75", linewidth=1, linestyle="--")
    axes.text(97, 0.06, "100 likes", ha="right", color=_INK)
    axes.text(130, 0.5, "60 dislikes", color=_INK)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, loc="center left")
    _title(axes, "How soon a belief can turn again", "rated responses, one a day", "confidence")


def _confidences(nats: Sequence[float], memory_nats: float, change_nats: float) -> list[float]:
    state = BeliefState(
        base=0.0, half_life_days=math.inf, memory_nats=memory_nats, change_nats=change_nats, reference_us=0
    )
    confidences = []
    for day, each in enumerate(nats):
        item = Item(belief_id=_BELIEF, slot=RESPONSE, id=f"r{day:04}", nats=each, observed_us=day * DAY_US)
        state = append(state, item)
        confidences.append(read_state(state, day * DAY_US).confidence)
    return confidences


def _fading(axes: Axes, parameters: Parameters) -> None:
    """What a statement made once is worth as time goes by."""
    days = np.linspace(0, 730, 366)
    for (kind, found), colour in zip(
        (
            (kind, parameters.kinds[kind].half_life_days)
            for kind in ("fact", "trait", "skill", "preference", "goal", "state")
        ),
        (*_COLOURS, _INK),
        strict=True,
    ):
        said = logit(parameters.sources["stated"].confidence)
        left = [sigmoid(said * fade(round(day * DAY_US), found)) for day in days]
        axes.plot(days, left, color=colour)
        apart = {"goal": 0.008, "state": -0.012}.get(kind, -0.004)
        axes.text(740, left[-1] + apart, kind, color=colour)
    axes.set_ylim(0.48, 0.9)
    axes.set_xlim(0, 920)
    _title(axes, "How what was said once fades", "days since", "confidence")


def _contradiction(axes: Axes) -> None:
    """What a confirmed contradiction leaves of a belief whose own evidence says .85."""
    other = np.linspace(0.01, 0.99, 99)
    for strength, colour in zip((0.95, 0.8, 0.5), _COLOURS, strict=False):
        left = []
        for confidence in other:
            own = {BeliefId("a"): logit(0.85), BeliefId("b"): logit(float(confidence))}
            left.append(
                sigmoid(
                    own[BeliefId("a")]
                    + conflict_nats(own, [(BeliefId("a"), BeliefId("b"), strength)])[BeliefId("a")]
                )
            )
        axes.plot(other, left, color=colour, label=f"{strength:.0%} sure")
    axes.set_ylim(0, 0.9)
    axes.legend(frameon=False, title="contradiction", loc="lower left")
    _title(axes, "What a contradiction leaves of .85", "own confidence of the other", "confidence")


def _title(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, loc="left", color=_INK)
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)


if __name__ == "__main__":
    main()
