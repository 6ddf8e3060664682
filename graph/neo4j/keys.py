"""Keys: the tenant, the user and the ids, joined by a character that ids cannot hold."""

from hashlib import blake2b

from beliefgraph.graph.store import Scope


def join(*parts: str) -> str:
    """Join ids to a key.

    >>> join("acme", "ada", "b1")
    'acme/ada/b1'
    """
    return "/".join(parts)


def user_key(scope: Scope) -> str:
    """Return the key of a user."""
    return join(scope.tenant, scope.user_id)


def statement_digest(user: str, statement_key: str) -> str:
    """Return what finds a user's beliefs by their normal form: an index does not take long texts."""
    return join(user, blake2b(statement_key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())


def last(key: str) -> str:
    """Return the id that a key ends with.

    >>> last("acme/ada/b1")
    'b1'
    """
    return key.rpartition("/")[2]
