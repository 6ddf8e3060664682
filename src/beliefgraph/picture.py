"""The pictures of a curve of learning and of a calibration. Drawing only, of given numbers. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from beliefgraph.curve import Curve
    from beliefgraph.scoring import Reliability
    from beliefgraph.stages import Estimate, Stage

_OURS, _INK = "#1f5fa8", "#333333"
_COLOURS = {
    "self_model": _OURS,
    "without_learning": "#7fa8d6",
    "population_mean": "#777777",
    "user_mean": "#9c7a5b",
    "fixed_steps": "#c0504d",
    "beta_counts": "#d98324",
    "exponential_average": "#a89200",
    "regression_weekly": "#3f8f5b",
    "regression_online": "#7a5ba6",
}
_LOWEST = -0.1
"""Gains below it leave the picture: what is that bad would squeeze all the rest."""
_APART = 0.058
"""How far apart the names at the ends of lines are kept, as a share of the height."""
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw(curve: Curve, path: Path | str) -> None:
    """Draw a curve: on top how well each way foresaw, below whether what the self-model foresaw came true as often."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 7.0), dpi=120, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    if not curve.line:
        top.set_title("nothing was foreseen yet", loc="left", color=_INK)
        figure.savefig(path)
        return
    _draw_gains(top, curve)
    _draw_calibration(bottom, curve)
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_INK)
        axes.grid(axis="y", color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
    figure.savefig(path)


def draw_reliability(pairs: Mapping[str, tuple[Reliability, Reliability]], path: Path | str) -> None:
    """Draw, for each kind of outcome, what was foreseen against what came, before and after a calibration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0 * max(1, len(pairs)), 5.0), dpi=120, layout="constrained")
    panels = figure.subplots(1, max(1, len(pairs)), squeeze=False)[0]
    for axes, (title, both) in zip(panels, pairs.items(), strict=False):
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
        for name, colour, bins in zip(
            ("before", "after"), (_COLOURS["fixed_steps"], _OURS), both, strict=True
        ):
            filled = bins.counts > 0
            sizes = 12 + 120 * bins.counts[filled] / bins.counts.max()
            axes.plot(bins.predicted[filled], bins.observed[filled], color=colour, linewidth=1.2, label=name)
            axes.scatter(bins.predicted[filled], bins.observed[filled], s=sizes, color=colour, alpha=0.6)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_xlabel("said beforehand", color=_INK)
        axes.set_ylabel("share that came true", color=_INK)
        axes.set_title("\n".join(wrap(title, 40)), loc="left", fontsize=11, color=_INK)
        axes.legend(frameon=False, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def _places(stages: Sequence[Stage]) -> list[float]:
    """Return where each stage stands: in the middle of its interactions, on a scale of factors."""
    lasts = [stage.first * 1.4 if stage.last is None else stage.last for stage in stages]
    return [(stage.first * last) ** 0.5 for stage, last in zip(stages, lasts, strict=True)]


def _draw_gains(axes: Axes, curve: Curve) -> None:
    from matplotlib.ticker import MaxNLocator

    from beliefgraph.curve import NAMES

    places, ends = _places(curve.line), {}
    for way in reversed(list(curve.line[0].scores)):
        gains = [stage.scores[way].gain for stage in curve.line]
        values, ours = [_value(gain) for gain in gains], way == "self_model"
        axes.plot(
            places, values, color=_COLOURS[way], linewidth=2.8 if ours else 1.3, zorder=4 if ours else 3
        )
        if ours:
            axes.plot(places, values, "o", color=_COLOURS[way], markersize=5, zorder=4)
            _ribbon(axes, places, gains)
        ends[way] = values[-1]
    low, high = axes.get_ylim()
    low = max(low, _LOWEST)
    axes.set(ylim=(low, high), xscale="log")
    apart = (high - low) * _APART
    shown = {way: min(high, max(low + apart / 2, end)) for way, end in ends.items()}
    for way, height in _spread(shown, apart, high).items():
        axes.annotate(
            NAMES[way] if ends[way] >= low else f"{NAMES[way]} (below)",
            xy=(places[-1], shown[way]),
            xytext=(places[-1] * 1.22, height),
            color=_COLOURS[way],
            fontweight="bold" if way == "self_model" else "normal",
            fontsize=8.5,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": "0.75",
                "linewidth": 0.7,
                "relpos": (0, 0.5),
                "shrinkA": 1,
            },
        )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:+.0f} %" if value else "0")
    axes.set_ylabel(f"log loss below that of\nthe {NAMES[curve.reference]}", color=_INK)
    whose = f"{curve.users:,} users" if curve.user_id is None else f"user {curve.user_id}"
    axes.set_title(
        f"How well the next signal is foreseen: higher is better ({whose}, {curve.interactions:,} signals)",
        loc="left",
        fontsize=11,
        color=_INK,
    )


def _draw_calibration(axes: Axes, curve: Curve) -> None:
    places = _places(curve.line)
    came = [stage.came for stage in curve.line]
    axes.plot(places, [stage.foreseen for stage in curve.line], color=_OURS, linewidth=2.2)
    heights = [_value(estimate) for estimate in came]
    axes.plot(places, heights, "o", color=_INK, markersize=4)
    for place, estimate in zip(places, came, strict=True):
        if estimate.low is not None and estimate.high is not None:
            axes.plot([place, place], [estimate.low, estimate.high], color=_INK, linewidth=1)
    axes.set_ylabel("good signals", color=_INK)
    axes.set_xlabel("interaction with the user", color=_INK)
    axes.set_xticks([tick for tick in _TICKS if tick <= max(5, places[-1])], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title(
        "Foreseen by the self-model (line), and how it came (dots, 95 % interval)",
        loc="left",
        fontsize=11,
        color=_INK,
    )


def _ribbon(axes: Axes, places: Sequence[float], estimates: Sequence[Estimate]) -> None:
    told = [
        (place, each.low, each.high)
        for place, each in zip(places, estimates, strict=True)
        if each.low is not None and each.high is not None
    ]
    if told:
        where, lows, highs = zip(*told, strict=True)
        axes.fill_between(where, lows, highs, color=_OURS, alpha=0.15, linewidth=0)


def _value(estimate: Estimate) -> float:
    return float("nan") if estimate.value is None else estimate.value


def _spread(heights: dict[str, float], apart: float, top: float) -> dict[str, float]:
    """Move heights as little as is needed to keep them apart: up from the lowest, then down from the top."""
    names = sorted(heights, key=lambda each: heights[each])
    placed: dict[str, float] = {}
    last = float("-inf")
    for name in names:
        placed[name] = last = max(heights[name], last + apart)
    last = top + apart
    for name in reversed(names):
        placed[name] = last = min(placed[name], last - apart)
    return placed
