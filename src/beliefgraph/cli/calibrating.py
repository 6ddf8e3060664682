"""Parameters fitted to what users did (`calibrate`), and a store recomputed under others (`reinterpret`)."""

from typing import TYPE_CHECKING

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import counted, show, show_json, users_progress
from beliefgraph.cli.logs import check_out, check_plot, open_sources, replay
from beliefgraph.cli.options import Number, Session, json_option, reads, store_options

if TYPE_CHECKING:
    from beliefgraph.calibration import Calibration


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE…|-]", type=str)
@click.option(
    "--out",
    metavar="FILE",
    help="Where to write the parameters (TOML), for BELIEFGRAPH_PARAMETERS, if they are better.",
)
@click.option("--share", type=Number(), metavar="SHARE", help="The share of users held out; .2 unless said.")
@click.option(
    "--plot", metavar="FILE", help="Draw the reliability diagram, before and after (.png, .svg, .pdf)."
)
@json_option
@store_options
@click.pass_obj
def calibrate(
    session: Session,
    *,
    files: tuple[str, ...],
    out: str | None,
    share: float | None,
    plot: str | None,
    as_json: bool,
) -> int:
    """Fit the parameters to what users did, and say whether they are better for users who were held out.

    Of the store, or of a log of events, which is replayed on a scratch store. Nothing is adopted: --out writes a file,
    and only if it is better (else the exit status is 1); name it in BELIEFGRAPH_PARAMETERS.
    """
    check_plot(plot)
    check_out(out, files)
    found = _calibration(session, files, share)
    if as_json:
        show_json(found.as_json())
    else:
        show(str(found))
    if plot is not None:
        found.plot(plot)
    if out is not None and found.better:
        found.save(out)
        click.echo(f"written to {out}", err=True)
    return DONE if found.better else FINDINGS


def _calibration(session: Session, files: tuple[str, ...], given: float | None) -> "Calibration":
    from beliefgraph.calibration import SHARE

    share = SHARE if given is None else given
    if files:
        from beliefgraph.evaluation import calibrate_log

        return replay(calibrate_log, session, open_sources(files), share=share)
    with session.open() as graph, users_progress(lambda: sum(1 for _ in graph.users())) as tick:
        return graph.calibrate(share=share, on_user=tick)


@click.command()
@reads
def reinterpret(session: Session, as_json: bool) -> None:
    """Recompute every belief of the store under the parameters in force (BELIEFGRAPH_PARAMETERS).

    One revision for each belief that moves; as of an earlier time, everything answers as it did. A job that was cut
    short is simply run again.
    """
    with session.open() as graph, users_progress(lambda: sum(1 for _ in graph.users())) as tick:
        done = graph.reinterpret(on_user=tick)
    if as_json:
        show_json(done)
        return
    beliefs = counted(done.beliefs, "belief")
    click.echo(f"{counted(done.users, 'user')}: {done.moved:,} of {beliefs} moved, under {done.version}")


COMMANDS = (calibrate, reinterpret)
