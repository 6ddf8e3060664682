"""Where the store is and how values are read: the session of one call, and the options that commands share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.bootstrap import BeliefGraph
    from beliefgraph.ingest.embedder import Embedder
    from beliefgraph.ingest.relate import Relater
    from beliefgraph.queries.pages import Page
    from beliefgraph.selfmodel import SelfModel

T = TypeVar("T")
_SHOWN_TENANTS = 10


@dataclass(slots=True)
class Session:
    """Where the commands of one call find the store. `embedder`, `relater` None: those that the settings name."""

    target: str | None = None
    tenant: str = "default"
    embedder: "Embedder | None" = None
    relater: "Relater | None" = None

    def open(self) -> "BeliefGraph":
        """Open the store."""
        from beliefgraph.bootstrap import BeliefGraph

        return BeliefGraph.open(self.target, tenant=self.tenant, embedder=self.embedder, relater=self.relater)


def _use_target(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).target = value


def _use_tenant(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).tenant = value


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` and `--tenant`, which may stand before or after the name of the command."""
    where = (
        "A file, sqlite:///path, :memory:, neo4j://host:port or bolt://host:port; without it BELIEFGRAPH_STORE or "
        "NEO4J_URI, else a file in your data folder."
    )
    for option in (
        click.option(
            "--tenant",
            metavar="TENANT",
            expose_value=False,
            callback=_use_tenant,
            help="Whose users; “default” unless said.",
        ),
        click.option("--db", metavar="TARGET", expose_value=False, callback=_use_target, help=where),
    ):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


class Number(click.ParamType[float]):
    """A number; which ones are right is for the library to say."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            return float(value)
        except ValueError:
            self.fail(f"must be a number (got {str(value)[:40]!r})", param, ctx)


class Time(click.ParamType["datetime"]):
    """A moment: ISO 8601 with a timezone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "datetime":
        """Read a moment."""
        from datetime import datetime

        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("must be a time with a timezone, as in 2026-01-31T12:00:00Z", param, ctx)
        return moment


class Whole(click.ParamType[int]):
    """A whole number, at least so much and at most so much (None: no bound)."""

    name = "number"

    def __init__(self, least: int = 1, most: int | None = None) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number."""
        try:
            found = int(str(value))
        except ValueError:
            found = self.least - 1
        if found < self.least or (self.most is not None and found > self.most):
            bounds = f"at least {self.least}" if self.most is None else f"{self.least} to {self.most}"
            self.fail(f"must be a whole number, {bounds} (got {str(value)[:40]!r})", param, ctx)
        return found


class Entry(click.ParamType[tuple[str, str]]):
    """One entry of a mapping: `key=value`, or what `wanted` calls it."""

    name = "key=value"

    def __init__(self, wanted: str = "key=value, as in device=mobile") -> None:
        self.wanted = wanted

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read an entry."""
        if isinstance(value, tuple):
            return value
        key, separator, content = str(value).partition("=")
        if not separator or not key:
            self.fail(f"must be {self.wanted}", param, ctx)
        return key, content


as_of_option = click.option(
    "--as-of", type=Time(), metavar="TIME", help="As it stood then (ISO 8601 with a timezone)."
)
at_option = click.option("--at", type=Time(), metavar="TIME", help="When it happened; now unless said.")
id_option = click.option("--id", metavar="ID", help="An id of your own: the same call again changes nothing.")
context_option = click.option(
    "--context", type=Entry(), multiple=True, metavar="KEY=VALUE", help="A circumstance; may be repeated."
)


def with_user(work: "Callable[[SelfModel], Any]", session: Session, user: str) -> Any:
    """Open the store, do some work on one user's self-model, close."""
    with session.open() as graph:
        return work(graph.user(user))


def say_where_users_are(graph: "BeliefGraph", session: Session) -> None:
    """Say on stderr, of a tenant without users, which ones have some: no finding there would pass for all is well."""
    if next(graph.users(), None) is not None:
        return
    tenants = graph.tenants()
    if tenants:
        more = f" and {len(tenants) - _SHOWN_TENANTS:,} more" if len(tenants) > _SHOWN_TENANTS else ""
        shown = ", ".join(tenants[:_SHOWN_TENANTS]) + more
        click.echo(f"tenant {session.tenant} has no users; --tenant names one that has: {shown}", err=True)


def with_known_user(work: "Callable[[SelfModel], T]", session: Session, user: str) -> T:
    """Do as `with_user`, for a user of whom something is held. Raises `NotFoundError`."""
    from beliefgraph.graph.errors import NotFoundError

    with session.open() as graph:
        model = graph.user(user)
        if model.sequence() == 0:
            raise NotFoundError("user", user, tenant=session.tenant)
        return work(model)


user_argument = click.argument("user")
limit_option = click.option("--limit", type=Whole(), help="At most so many; all unless said.")


def reads(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every read takes: `--json`, `--db`, `--tenant`, and the session as its first argument."""
    return json_option(store_options(click.pass_obj(command)))


def every(fetch: "Callable[[int, str | None], Page[T]]", limit: int | None) -> Iterator[T]:
    """Go through a list page by page."""
    cursor: str | None = None
    while True:
        page = fetch(min(1000, limit or 1000), cursor)
        yield from page
        if limit is not None:
            limit -= len(page)
        cursor = page.cursor
        if cursor is None or limit == 0:
            return
