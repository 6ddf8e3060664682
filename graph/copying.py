"""Self-models from one store to another, unchanged: sequence numbers, revisions, vectors and all.

A user is copied in one transaction, so what is cut short leaves whole users behind, and the next run goes on with the
others. Reading and writing records is the stores' business.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from beliefgraph.graph.errors import IntegrityError, InvalidInputError
from beliefgraph.graph.store import Changes, Scope, Store, Writer, scopes

Fate = Literal["copied", "there", "differs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedUser:
    """What became of one user: `there` had been copied before, `differs` has other records in the target.

    `records` counts beliefs, responses, signals, revisions and versions of links; `digest` is that of all of them,
    read back from the target.
    """

    scope: Scope
    fate: Fate
    records: int
    digest: str


def copy(
    source: Store, target: Store, *, on_user: Callable[[CopiedUser], None] | None = None
) -> Iterator[CopiedUser]:
    """Copy every user of every tenant who is not in the target yet; yield each when it is durable and verified.

    A user who has other records in the target is left as she is there, and reported. Raises `InvalidInputError` when
    both are one store or their vectors come from different models, `IntegrityError` when what was written reads back
    otherwise.
    """
    if source.identity() == target.identity():
        raise InvalidInputError("target", "must be another store than the source")
    _match_models(source, target)
    for scope in scopes(source):
        copied = copy_user(source, target, scope)
        if on_user is not None:
            on_user(copied)
        yield copied


def copy_user(source: Store, target: Store, scope: Scope) -> CopiedUser:
    """Copy one user, unless the target knows her already; compare what the target then holds with the source."""
    wanted = source.read(scope, lambda reader: reader.history())
    expected = digest(wanted)

    def write(writer: Writer) -> bool:
        if writer.head().seq > 0:
            return False
        writer.save(wanted)
        return True

    written = target.write(scope, write)
    found = target.read(scope, lambda reader: reader.history())
    same = digest(found) == expected
    if written and not same:
        raise IntegrityError(target.target, f"the copy of user {scope.user_id} reads back otherwise")
    fate: Fate = "copied" if written else "there" if same else "differs"
    return CopiedUser(scope=scope, fate=fate, records=_count(found), digest=digest(found))


def digest(changes: Changes) -> str:
    """Return the SHA-256 (hex) of a user's whole history in one canonical form, the same for every store."""
    running = sha256()
    for record in _records(changes):
        running.update(_canonical(record))
    for key in sorted(changes.vectors):
        running.update(key.encode() + changes.vectors[key].tobytes())
    return running.hexdigest()


def _records(changes: Changes) -> Iterator[Any]:
    yield {"seq": changes.seq, "recorded_us": changes.recorded_us}
    yield from changes.beliefs
    yield from changes.responses
    for signal, interpretation in changes.signals:
        yield signal
        yield interpretation
    yield from changes.revisions
    yield from changes.links


def _canonical(record: Any) -> bytes:
    content = record if isinstance(record, dict) else asdict(record)
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=_plain)
    return text.encode() + b"\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else dict(value)


def _count(changes: Changes) -> int:
    parts = (changes.beliefs, changes.responses, changes.signals, changes.revisions, changes.links)
    return sum(len(part) for part in parts)


def _match_models(source: Store, target: Store) -> None:
    """Let the target take over the name of the source's embedding model, unless it has another."""
    model = source.embedding_model()
    if model is not None and target.embedding_model(model) != model:
        raise InvalidInputError(
            "target",
            f"must hold vectors of the model {model}, as the source does",
            got=target.embedding_model(),
        )
