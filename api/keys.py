"""Bearer keys: made once and shown once; the file keeps their hashes, each with a tenant and scopes.

A key holds 256 random bits, so a plain SHA-256 of it cannot be guessed back, and no slow hash is needed on every
request. The file holds one JSON object a line and is replaced as a whole; whoever reads it notices by its stat.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from beliefgraph.graph.errors import InvalidInputError, NotFoundError, StoreUnavailableError
from beliefgraph.ingest.events import check_identifier
from beliefgraph.ingest.validation import check_one_of

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_PREFIX = "bg"
_NOBODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sends a request: the tenant and what the key may do. `key_id` None: a server without keys."""

    tenant: str
    scopes: frozenset[Scope]
    key_id: str | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether a scope is granted; `admin` holds the others."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as the file has it."""

    id: str
    tenant: str
    scopes: tuple[Scope, ...]
    created_at: str
    hash: str
    revoked_at: str | None = None


class KeyFile:
    """The file of keys. Reading it again costs a stat while it has not changed; usable from several threads.

    With `always`, callers need a key although there is no file yet; without, from the moment on that there is one.
    """

    def __init__(self, path: str | Path, *, always: bool = True) -> None:
        self.path = Path(path)
        self._needed = always
        self._seen: tuple[int, int, int] | None = None
        self._keys: Mapping[str, Key] = {}

    def needed(self) -> bool:
        """Say whether callers need a key: once they do they always will, whatever becomes of the file."""
        if not self._needed:
            try:
                self.path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError:  # there may be one: the door is closed rather than open
                pass
            self._needed = True
        return True

    def caller(self, key: str) -> Caller | None:
        """Return who has this key, None for one that is unknown or revoked. Raises `StoreUnavailableError`."""
        known = self.keys().get(_id_of(key))
        expected = _NOBODY if known is None or known.revoked_at is not None else known.hash
        if not hmac.compare_digest(expected, _hash(key)) or known is None:
            return None
        return Caller(tenant=known.tenant, scopes=frozenset(known.scopes), key_id=known.id)

    def keys(self) -> Mapping[str, Key]:
        """Return the keys by id, oldest first; none while there is no file. Raises `StoreUnavailableError`."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return self._keys
        except OSError as error:
            raise StoreUnavailableError(str(self.path), error.strerror or "it cannot be read") from error
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen != self._seen:
            self._keys = self._read()
            self._seen = seen
        return self._keys

    def create(self, tenant: str, scopes: Sequence[str]) -> tuple[Key, str]:
        """Make a key; return its record and the key itself, which is nowhere kept. Raises `InvalidInputError`."""
        check_identifier("tenant", tenant)
        if not scopes:
            raise InvalidInputError("scope", f"must be at least one of {', '.join(SCOPES)}")
        for scope in scopes:
            check_one_of("scope", scope, SCOPES)
        id = secrets.token_hex(6)
        shown = f"{_PREFIX}_{id}_{secrets.token_urlsafe(32)}"
        granted = tuple(scope for scope in SCOPES if scope in scopes)
        key = Key(id=id, tenant=tenant, scopes=granted, created_at=_now(), hash=_hash(shown))
        with self._locked():
            self._write([*self._read().values(), key])
        return key, shown

    def revoke(self, id: str) -> Key:
        """Revoke a key; servers notice with their next request. Raises `NotFoundError`."""
        if id not in self.keys():
            raise NotFoundError("key", id)
        with self._locked():
            keys = dict(self._read())
            if keys[id].revoked_at is None:
                keys[id] = replace(keys[id], revoked_at=_now())
                self._write(list(keys.values()))
        return keys[id]

    def _read(self) -> dict[str, Key]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise StoreUnavailableError(str(self.path), "it cannot be read") from error
        return {key.id: key for key in (self._parse(number, line) for number, line in enumerate(lines, 1))}

    def _parse(self, number: int, line: str) -> Key:
        with suppress(ValueError, TypeError, KeyError):
            given = json.loads(line)
            key = Key(**{**given, "scopes": tuple(given["scopes"])})
            if set(key.scopes) <= set(SCOPES) and len(key.hash) == len(_NOBODY):
                return key
        raise StoreUnavailableError(str(self.path), f"line {number} is not a key; mend or remove it")

    def _write(self, keys: Sequence[Key]) -> None:
        """Replace the file as a whole, readable to its owner alone."""
        text = "".join(json.dumps(asdict(key)) + "\n" for key in keys)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process change the file at a time, where the system has file locks."""
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        try:
            lock = self.path.with_name(self.path.name + ".lock").open("w")
        except OSError as error:
            why = f"it cannot be locked: {error.strerror}"
            raise StoreUnavailableError(str(self.path), why) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _id_of(key: str) -> str:
    prefix, _, rest = key.partition("_")
    return rest.partition("_")[0] if prefix == _PREFIX else ""


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
