"""Where the parts are put together: a target becomes a store, settings become a pipeline, and both a `BeliefGraph`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, get_args, overload

from beliefgraph.auditing import audit_store
from beliefgraph.calibration import SHARE, Calibration, calibrate
from beliefgraph.curve import Curve, population_curve
from beliefgraph.graph.clock import Clock, to_us, utc_now
from beliefgraph.graph.errors import InvalidInputError, StoreUnavailableError
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.model import ConflictStatus
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope, Store
from beliefgraph.ingest.aggregate import aggregate
from beliefgraph.ingest.bank import Bank, load_bank
from beliefgraph.ingest.classifier import Classifier, named_relater
from beliefgraph.ingest.embedder import Embedder, named_embedder
from beliefgraph.ingest.events import check_identifier, check_text, check_time
from beliefgraph.ingest.lasting import Gate
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.population import Population, load_population
from beliefgraph.ingest.reader import IngestReport, Line, ingest
from beliefgraph.ingest.reinterpretation import Reinterpretation
from beliefgraph.ingest.relate import Pair, Relater, Relation
from beliefgraph.ingest.validation import check_one_of
from beliefgraph.queries.audit import Audit, Scrutiny, Stopped
from beliefgraph.queries.consistency import undecided_conflicts
from beliefgraph.queries.funnels import Per
from beliefgraph.queries.verify import VerifyReport, verify
from beliefgraph.selfmodel import SelfModel
from beliefgraph.settings import Settings, default_file, read_settings

if TYPE_CHECKING:
    from beliefgraph.client.graph import RemoteGraph

REMOTE_TIMEOUT_S = 30.0
"""How long a client waits for an answer."""


class BeliefGraph:
    """A store of self-models with everything needed to learn from signals. Made by `open`; a context manager.

    Usable from several threads at once; several processes may open the same store.
    """

    def __init__(self, pipeline: Pipeline, tenant: str) -> None:
        self._pipeline, self._tenant = pipeline, tenant

    @overload
    @classmethod
    def open(
        cls, target: str, *, api_key: str | None, timeout_s: float = REMOTE_TIMEOUT_S
    ) -> "RemoteGraph": ...
    @overload
    @classmethod
    def open(
        cls,
        target: str | Path | None = None,
        *,
        tenant: str = "default",
        embedder: Embedder | Path | str | None = None,
        relater: Relater | Path | str | None = None,
        gate: Gate | None = None,
        parameters: Parameters | Path | str | None = None,
        population: Population | Path | str | None = None,
        clock: Clock | None = None,
    ) -> Self: ...
    @classmethod
    def open(cls, target: str | Path | None = None, **options: Any) -> "Self | RemoteGraph":
        """Open a store, or a service that has one.

        A store: a path, `sqlite:///path`, `:memory:`, `neo4j://host:port` or `bolt://host:port` (and +s, +ssc). None
        reads the settings, else uses the embedded file in the user's data folder. A Neo4j server's user, password
        and database come from the settings. `embedder` is an object, or a sentence-transformers model by its name or
        folder. `relater` judges how two statements relate: an object, a sentence-transformers cross-encoder for
        natural-language inference by its name or folder, or `embedding`; `gate` says whether a text is worth believing.
        None: what the settings name, else what ships with the package. `population` has base rates among users who
        consented (`aggregate` makes it); None: the file that the settings name, if any.
        `clock` is the one source of now.

        A service: `https://host` or `http://host`, always with `api_key`: a key of `beliefgraph keys create`, which
        decides the tenant, or None for a service without keys.

        Raises `InvalidInputError`, `StoreUnavailableError`, `StoreVersionError`.
        """
        served = isinstance(target, str) and target.partition("://")[0].lower() in ("http", "https")
        if served or "api_key" in options:
            return _open_service(target, served=served, **options)
        return cls._open_store(target, **options)

    @classmethod
    def _open_store(
        cls,
        target: str | Path | None = None,
        *,
        tenant: str = "default",
        embedder: Embedder | Path | str | None = None,
        relater: Relater | Path | str | None = None,
        gate: Gate | None = None,
        parameters: Parameters | Path | str | None = None,
        population: Population | Path | str | None = None,
        clock: Clock | None = None,
    ) -> Self:
        settings = read_settings()
        if not isinstance(parameters, Parameters):
            parameters = load_parameters(parameters or settings.parameters)
        population = population or settings.population
        if population is not None:
            known = population if isinstance(population, Population) else load_population(population)
            parameters = parameters.with_population(known)
        embedder = named_embedder(embedder or settings.model)
        shipped = Classifier()
        check_identifier("tenant", tenant)
        pipeline = Pipeline(
            store=open_store(target, settings),
            embedder=embedder,
            relater=named_relater(relater or settings.relater, embedder) or shipped,
            gate=gate or shipped,
            parameters=parameters,
            clock=clock or utc_now,
        )
        return cls(pipeline, tenant)

    def user(self, user_id: str) -> SelfModel:
        """Return a user's self-model; no I/O yet. Raises `InvalidInputError` for an id that cannot be one."""
        check_identifier("user", user_id)
        return SelfModel(self._pipeline, Scope(self._tenant, UserId(user_id)))

    def for_tenant(self, tenant: str) -> Self:
        """Return the same store for another tenant; closing either closes both."""
        check_identifier("tenant", tenant)
        return type(self)(self._pipeline, tenant)

    def tenants(self) -> list[str]:
        """Return the tenants of the store that have users, sorted."""
        return self._pipeline.store.tenants()

    def users(self, *, after: str | None = None) -> Iterator[UserId]:
        """Yield the ids of the tenant's users, sorted: those after one."""
        after = None if after is None else UserId(after)
        while found := self._pipeline.store.users(self._tenant, after=after, limit=1000):
            yield from found
            after = found[-1]

    def aggregate(
        self, bank: Bank | Path | str | None = None, *, on_user: Callable[[], None] = lambda: None
    ) -> Population:
        """Count, among the users of the tenant who consented, how often a bank's statements turned out true.

        `bank` is a YAML file or a `Bank`, None the one that ships: its statements are public, and only they are in the
        result. Writes nothing. Raises `InvalidInputError`.
        """
        built = self._pipeline.clock().date()
        return aggregate(self._pipeline, self._tenant, load_bank(bank), built=built, on_user=on_user)

    def ingest(self, lines: Iterable[Line], **options: Any) -> IngestReport:
        """Apply a log of events (JSON Lines); options are those of `beliefgraph.ingest.reader.ingest`."""
        return ingest(self._pipeline, self._tenant, lines, **options)

    def verify(self) -> VerifyReport:
        """Replay every ledger of the tenant; check chains, sums and references."""
        return verify(self._pipeline.store, self._tenant)

    def curve(self, *, at_least: int = 1, as_of: datetime | None = None) -> Curve:
        """Return how well the signals of the tenant's users were foreseen, by number of interactions.

        With `at_least`, of those users who have had so many, so that the same people stand behind every stage up to it.
        """
        if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 1:
            raise InvalidInputError("at_least", "must be a whole number, at least 1")
        if as_of is not None:
            check_time("as_of", as_of)
        return population_curve(
            self._pipeline.store,
            self._tenant,
            self._pipeline.parameters,
            at_least=at_least,
            as_of_us=None if as_of is None else to_us(as_of),
        )

    def calibrate(
        self,
        *,
        share: float = SHARE,
        on_user: Callable[[], None] = lambda: None,
        on_round: Callable[[], None] = lambda: None,
    ) -> Calibration:
        """Fit the parameters to the tenant's users, and compare both on the `share` of them that is held out.

        Writes nothing: `.save(path)` of what is returned does, if it is better. Raises `InvalidInputError` when there
        are too few users.
        """
        return calibrate(
            self._pipeline.store,
            self._tenant,
            self._pipeline.parameters,
            share=share,
            on_user=on_user,
            on_round=on_round,
        )

    def reinterpret(self, *, on_user: Callable[[], None] = lambda: None) -> Reinterpretation:
        """Weigh all evidence of the tenant's users anew under the parameters in force: one revision a belief moved.

        Each user is one transaction. A job that was cut short is run again: where it has been, there is nothing to do.
        As of an earlier time, the store answers as it did.
        """
        users = beliefs = moved = 0
        for user_id in self.users():
            found = self._pipeline.reinterpret(Scope(self._tenant, user_id))
            users, beliefs, moved = users + 1, beliefs + found[0], moved + found[1]
            on_user()
        version = self._pipeline.parameters.version
        return Reinterpretation(version=version, users=users, beliefs=beliefs, moved=moved)

    def undecided_conflicts(self, *, on_user: Callable[[], None] = lambda: None) -> dict[ConflictStatus, int]:
        """Count the undecided conflicts of the whole store, all tenants, by status (`suspected`, `confirmed`).

        Reads every user; what `on_user`, called before each, raises ends it.
        """
        return undecided_conflicts(self._pipeline.store, on_user)

    def audit(
        self,
        *,
        user: str | None = None,
        since: datetime | None = None,
        as_of: datetime | None = None,
        per: Per = "week",
        source: str = "source",
        rejects: Mapping[str, Iterable[Line]] | None = None,
        on_stopped: Callable[[Stopped], None] | None = None,
    ) -> Audit:
        """Say of the tenant's signals (or one user's) how far they came, and why those stopped that moved no belief.

        `since` is when the user did it. A signal's source is what its context, or else its response's attributes, have
        under the name `source`. `rejects` maps names to lines that `ingest` refused, which are not stored.
        `on_stopped` sees each signal that moved no belief.
        """
        if user is not None:
            check_identifier("user", user)
        for name, moment in (("since", since), ("as_of", as_of)):
            if moment is not None:
                check_time(name, moment)
        check_one_of("per", per, get_args(Per))
        check_text("source", source)
        scrutiny = Scrutiny(
            since_us=None if since is None else to_us(since),
            as_of_us=None if as_of is None else to_us(as_of),
            per=per,
            source=source,
        )
        return audit_store(
            self._pipeline,
            self._tenant,
            user_id=None if user is None else UserId(user),
            scrutiny=scrutiny,
            rejects=rejects,
            on_stopped=on_stopped,
        )

    def relate(self, a: str, b: str) -> Relation:
        """Return how statement `a` relates to statement `b`."""
        return self.relate_many([(a, b)])[0]

    def relate_many(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return how the first statement of each pair relates to the second."""
        for first, second in pairs:
            check_text("a", first)
            check_text("b", second)
        return self._pipeline.relater.relate(pairs)

    @property
    def parameters(self) -> Parameters:
        """The parameters of interpretation in force."""
        return self._pipeline.parameters

    def warm_up(self) -> None:
        """Load the models now instead of with the first text. Raises `ModelUnavailableError`, `StoreVersionError`."""
        self._pipeline.direction("warm")
        self._pipeline.relater.relate([("warm", "up")])
        self._pipeline.gate.lasting(["warm"])

    def close(self) -> None:
        """Let go of the store. Closing twice is fine."""
        self._pipeline.store.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()


def _open_service(target: Any, *, served: bool, **options: Any) -> "RemoteGraph":
    from beliefgraph.client.graph import RemoteGraph

    if not served:
        raise InvalidInputError("api_key", "goes with a service: https://host or http://host")
    if "api_key" not in options:
        raise InvalidInputError(
            "api_key", "is required for a service (None: it has no keys); the command line opens stores alone"
        )
    for name in options:
        if name not in ("api_key", "timeout_s"):
            raise InvalidInputError(name, "is the service's own; a client has api_key and timeout_s")
    return RemoteGraph(target, options["api_key"], timeout_s=options.get("timeout_s", REMOTE_TIMEOUT_S))


def open_store(target: str | Path | None, settings: Settings, *, must_exist: bool = False) -> Store:
    """Return the store that a target names. Raises `InvalidInputError` for one that names none.

    With `must_exist`, a file that is not there is not made but raises `StoreUnavailableError`.
    """
    if target is None:
        try:
            if settings.target_name == "NEO4J_URI":
                return _open_neo4j(settings.target, settings)
            return _open_named(settings.target, settings, must_exist=must_exist)
        except InvalidInputError as error:
            raise error.renamed(settings.target_name if error.field == "target" else error.field) from None
    if not isinstance(target, str | Path):
        raise InvalidInputError("target", "must be a path or a text")
    return _open_named(str(target), settings, must_exist=must_exist)


def _open_named(named: str, settings: Settings, *, must_exist: bool) -> Store:
    scheme, separator, rest = named.partition("://")
    if not separator:
        path = named
    elif scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        path = rest[1:]
    elif scheme.partition("+")[0] in ("neo4j", "bolt"):
        return _open_neo4j(named, settings)
    else:
        raise InvalidInputError(
            "target",
            "must be a path, sqlite:///path, :memory:, neo4j://host:port or bolt://host:port; "
            "in Python a service too, http://host with its api_key",
            got=repr(f"{scheme}://…"),
        )
    if not path:
        raise InvalidInputError("target", "must not be empty")
    if must_exist and not Path(path).is_file():
        raise StoreUnavailableError(path, "there is no such file")
    if path == str(default_file()):
        default_file().parent.mkdir(parents=True, exist_ok=True)
    return SqliteStore(path, synchronous="NORMAL" if settings.sqlite_synchronous == "NORMAL" else "FULL")


def _open_neo4j(uri: str, settings: Settings) -> Store:
    from beliefgraph.graph.neo4j.store import Neo4jStore

    return Neo4jStore(
        uri,
        username=settings.neo4j_user or "neo4j",
        password=settings.neo4j_password or "",
        database=settings.neo4j_database,
        timeout_s=settings.neo4j_timeout_s,
    )
