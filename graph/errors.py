"""Every error that beliefgraph raises, and nothing else.

    BeliefGraphError
    ├── NotFoundError (LookupError)          an id that this user does not have
    ├── InvalidInputError (ValueError)       a field that cannot be accepted, and what would be right
    │   ├── DuplicateIdError                 an id or idempotency key that is taken by other content
    │   └── UnknownSignalKindError           a signal kind the parameters do not know
    ├── ChangedMeanwhileError                the self-model is not as the caller last saw it
    ├── StoreUnavailableError                the store cannot be reached, locked, written or is full
    ├── StoreVersionError                    the file or database is not ours, or newer than this code
    ├── IntegrityError                       what is stored contradicts itself
    ├── ModelUnavailableError                no embedding model can be had
    ├── AccessDeniedError                    a service does not take the key, or the key may not do this
    ├── NotServedError                       what needs the store itself was asked of a service
    └── ServiceError                         a service failed, or what answers is none of ours

A constructor takes the facts and writes the message; a message never holds a statement, a comment or a secret.
"""

from collections.abc import Iterable

_IN_JSON = {
    "None": "null",
    "True": "true",
    "False": "false",
    "nan": "NaN",
    "inf": "Infinity",
    "-inf": "-Infinity",
}
"""What Python shows and what it is in JSON; a text is shown in quotes, and is none of them."""


class BeliefGraphError(Exception):
    """The root of every error raised by beliefgraph."""


class NotFoundError(BeliefGraphError, LookupError):
    """An id does not exist for this user (an id of another user or tenant does not exist either)."""

    def __init__(self, what: str, id: str, *, user_id: str | None = None, tenant: str | None = None) -> None:
        self.what, self.id, self.user_id, self.tenant = what, id, user_id, tenant
        of_user = f" of user {user_id!r}" if user_id is not None else ""
        in_tenant = f" in tenant {tenant!r}" if tenant is not None else ""
        super().__init__(f"there is no {what} {id!r}{of_user}{in_tenant}")


class InvalidInputError(BeliefGraphError, ValueError):
    """A value cannot be accepted. `field` names it; `expected` says what would be right."""

    def __init__(self, field: str, expected: str, *, got: str | None = None) -> None:
        self.field, self.expected, self.got = field, expected, got
        super().__init__(f"{field}: {expected}" + (f" (got {got})" if got is not None else ""))

    def renamed(self, field: str) -> "InvalidInputError":
        """Return the same complaint under the name by which the caller knows the field."""
        return InvalidInputError(field, self.expected, got=self.got)

    def in_json(self) -> "InvalidInputError":
        """Return the same complaint to a caller who writes JSON: what was given in its words."""
        return InvalidInputError(self.field, self.expected, got=self.got and _IN_JSON.get(self.got, self.got))


class DuplicateIdError(InvalidInputError):
    """An id already names something recorded with other content; nothing was written.

    `by_key`: it is the id that an idempotency key stands for, so that the key was used for something else.
    """

    def __init__(self, what: str, id: str, *, by_key: bool = False) -> None:
        self.what, self.id, self.by_key = what, id, by_key
        if by_key:
            wanted = f"was used already, for {what} {id!r} with other content; send a new key"
        else:
            wanted = f"{what} {id!r} is recorded already, with other content; choose a new id"
        super().__init__("idempotency_key" if by_key else "id", wanted)


class UnknownSignalKindError(InvalidInputError):
    """A signal kind is not in the parameters."""

    def __init__(self, kind: str, known: Iterable[str]) -> None:
        self.kind = kind
        super().__init__("kind", f"must be one of {', '.join(sorted(known))}", got=repr(kind[:80]))


class ChangedMeanwhileError(BeliefGraphError):
    """Somebody wrote to the self-model since the caller read it; nothing was written."""

    def __init__(self, user_id: str, expected_seq: int, seq: int) -> None:
        self.user_id, self.expected_seq, self.seq = user_id, expected_seq, seq
        super().__init__(
            f"the self-model of user {user_id!r} has changed since number {expected_seq}: it stands at {seq}"
        )


class StoreUnavailableError(BeliefGraphError):
    """The store cannot be used now: missing folder, no permission, locked, full or out of reach."""

    def __init__(self, target: str, why: str) -> None:
        self.target, self.why = target, why
        super().__init__(f"the store {target} cannot be used: {why}")


class StoreVersionError(BeliefGraphError):
    """The store was written by something else, by a newer version, or with another embedding model."""

    def __init__(self, target: str, why: str) -> None:
        self.target, self.why = target, why
        super().__init__(f"the store {target} cannot be opened: {why}")


class IntegrityError(BeliefGraphError):
    """What is stored contradicts itself; run `beliefgraph verify` to see where."""

    def __init__(self, target: str, why: str) -> None:
        self.target, self.why = target, why
        super().__init__(f"the store {target} is damaged: {why}")


class ModelUnavailableError(BeliefGraphError):
    """A model cannot be loaded, or is not of the kind that is needed; the message says what would be right."""


class AccessDeniedError(BeliefGraphError):
    """A service refused the key: it is unknown, was revoked, or lacks a scope; nothing was done."""

    def __init__(self, target: str, why: str) -> None:
        self.target, self.why = target, why
        super().__init__(f"the service {target} refuses this: {why}")


class NotServedError(BeliefGraphError):
    """What was asked needs the store itself; over HTTP it cannot be had."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} is not served over HTTP: open the store itself")


class ServiceError(BeliefGraphError):
    """A service failed on its side, or answered what no service of ours answers."""

    def __init__(self, target: str, why: str, *, request_id: str | None = None) -> None:
        self.target, self.why, self.request_id = target, why, request_id
        named = "" if request_id is None else f" (request {request_id})"
        super().__init__(f"the service {target} failed: {why}{named}")
