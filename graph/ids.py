"""Typed ids, fresh ids and normal forms of text: pure, without knowledge of nodes or stores."""

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any, NewType

UserId = NewType("UserId", str)
BeliefId = NewType("BeliefId", str)
ResponseId = NewType("ResponseId", str)
SignalId = NewType("SignalId", str)
ConflictId = NewType("ConflictId", str)

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def fresh_id(prefix: str, now_us: int) -> str:
    """Make a new id whose text order is its time order: 50 bits of microseconds, 60 random bits.

    >>> fresh_id("b", 1) < fresh_id("b", 2)
    True
    """
    number = (now_us << 60) | secrets.randbits(60)
    return prefix + "_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(110, -1, -5))


def derived_id(prefix: str, *parts: str) -> str:
    """Make the one id that these parts always give, so that a retried transaction makes the same node.

    >>> derived_id("c", "a", "b") == derived_id("c", "a", "b") != derived_id("c", "ab", "")
    True
    """
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:24]}"


def fingerprint(content: Mapping[str, Any]) -> str:
    """Digest JSON content: equal content, equal digest, whatever the order of its names."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def normal_form(statement: str) -> str:
    """Fold case, width, white space and closing punctuation: two statements with one normal form are the same text.

    >>> normal_form("  Likes   TEA. ")
    'likes tea'
    """
    folded = " ".join(unicodedata.normalize("NFKC", statement).casefold().split())
    return folded.rstrip(" .!…") or folded
