"""What a belief's base rate rests on, as its first revision says; pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A base rate in log-odds. `users` 0: it is the parameters'; else it was counted among at least so many users.

    `own` is the part of it, in nats, that comes from the user's other beliefs.
    """

    log_odds: float
    users: int = 0
    own: float = 0.0

    def noted(self, reason: str) -> str:
        """Return the reason of a belief's first revision, with what its base rate rests on.

        >>> Prior(log_odds=1.0, users=40, own=0.25).noted("stated")
        'stated (base rate among 40 users, +0.25 of her own)'
        """
        if self.users == 0:
            return reason
        own = f", {self.own:+.2f} of her own" if abs(self.own) >= _SHOWN else ""
        return f"{reason} (base rate among {self.users} users{own})"


_SHOWN = 0.005
_NOTED = re.compile(r" \(base rate among (\d+) users(?:, ([+-]\d+\.\d+) of her own)?\)$")


def noted_in(reason: str, log_odds: float) -> Prior:
    """Return what a base rate rests on, read off the reason of a belief's first revision.

    >>> noted_in("stated (base rate among 40 users, +0.25 of her own)", 1.0)
    Prior(log_odds=1.0, users=40, own=0.25)
    """
    found = _NOTED.search(reason)
    if found is None:
        return Prior(log_odds=log_odds)
    return Prior(log_odds=log_odds, users=int(found[1]), own=float(found[2] or 0.0))
