"""Pictures: a curve of learning, and whether what was said came true as often. Drawing only. Needs matplotlib."""

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
_LEAST, _FEW, _Z = 5, 50, 1.96
"""Of fewer outcomes a share says nothing, and little; and how many standard deviations hold 95 %."""
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


def draw_reliability(
    panels: Mapping[str, Mapping[str, Reliability]], path: Path | str, *, note: str | None = None
) -> None:
    """Draw what was said beforehand against what came: a panel for each kind of outcome, in it one series or several.

    Below each, how often it was said. What was said hardly ever is hollow and not joined, or left out; bars are the
    95 % intervals of Wilson (Journal of the American Statistical Association 22, 1927), for independent outcomes.
    """
    from matplotlib.figure import Figure

    count = max(1, len(panels))
    figure = Figure(figsize=(5.4 * count, 6.4), dpi=120, layout="constrained")
    tops, bottoms = figure.subplots(2, count, sharex=True, squeeze=False, height_ratios=(3.2, 1))
    for top, bottom, (title, series) in zip(tops, bottoms, panels.items(), strict=False):
        colours = (_COLOURS["fixed_steps"], _OURS)[-len(series) :]
        top.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="came as often as was said")
        for (name, bins), colour in zip(series.items(), colours, strict=False):
            _draw_bins(top, bins, name, colour)
            _draw_counts(bottom, bins, colour, filled=colour == _OURS)
        most = max((int(bins.counts.max()) for bins in series.values()), default=1)
        bottom.set_ylim(0, max(1, most) * 1.22)
        _label_reliability(top, bottom, title)
    legend = f"bars: 95 % intervals; hollow: said fewer than {_FEW} times"
    figure.supxlabel(legend if note is None else f"{note}\n{legend}", fontsize=8.5, color=_INK)
    figure.savefig(path)


def _draw_bins(axes: Axes, bins: Reliability, name: str, colour: str) -> None:
    many, few = bins.counts >= _FEW, (bins.counts >= _LEAST) & (bins.counts < _FEW)
    axes.plot(bins.predicted[many], bins.observed[many], "o-", color=colour, markersize=5, label=name)
    axes.plot(bins.predicted[few], bins.observed[few], "o", color=colour, markersize=4, fillstyle="none")
    for place, share, count in zip(bins.predicted, bins.observed, bins.counts, strict=True):
        if count >= _LEAST:
            middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
            half = _Z / (1 + _Z**2 / count) * (share * (1 - share) / count + (_Z / (2 * count)) ** 2) ** 0.5
            axes.plot([place, place], [middle - half, middle + half], color=colour, linewidth=1, alpha=0.6)


def _draw_counts(axes: Axes, bins: Reliability, colour: str, *, filled: bool) -> None:
    width = 1 / len(bins.counts)
    lefts = [place * width for place in range(len(bins.counts))]
    style = {"color": colour, "alpha": 0.55} if filled else {"edgecolor": colour, "facecolor": "none"}
    axes.bar(lefts, bins.counts, width * 0.92, align="edge", **style)
    if filled:
        for left, count in zip(lefts, bins.counts.tolist(), strict=True):
            if count:
                axes.annotate(
                    _briefly(count),
                    (left + width / 2, count),
                    ha="center",
                    va="bottom",
                    fontsize=7,
                    color=_INK,
                )


def _briefly(count: int) -> str:
    """Return a number in at most four characters: 309, 1.2k, 25k, 1.3M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size * 0.9995:
            return f"{count / size:.1f}{unit}" if count < 9.95 * size else f"{count / size:.0f}{unit}"
    return str(count)


def _label_reliability(top: Axes, bottom: Axes, title: str) -> None:
    top.set(xlim=(0, 1), ylim=(0, 1))
    top.set_title("\n".join(wrap(title, 44)), loc="left", fontsize=11, color=_INK)
    top.set_ylabel("how often it came true", color=_INK)
    top.legend(frameon=False, loc="upper left")
    bottom.set_xlabel("how probable it was said to be", color=_INK)
    bottom.set_ylabel("how often\nthat was said", color=_INK)
    bottom.set_yticks([])
    ticks = [place / 5 for place in range(6)]
    for axis in (top.xaxis, top.yaxis, bottom.xaxis):
        axis.set_ticks(ticks)
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_INK)
    top.grid(color="0.92", linewidth=0.8)
    top.set_axisbelow(True)


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
    axes.set_ylabel(f"how much less surprised than\nthe {NAMES[curve.reference]} (log loss)", color=_INK)
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
