"""What turned out true of many users: base rates by public statement and by kind, as a file that a job writes.

Holds no text of any user and no group below the minimum size. How the rates come about lies in aggregate.py, what a
new belief takes from them in priors.py, and why it is safe in docs/onboarding.md.
"""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import normal_form
from beliefgraph.graph.model import Kind
from beliefgraph.ingest.events import Text
from beliefgraph.ingest.validation import invalid_input
from beliefgraph.ingest.writing import write_whole

LEAST_USERS = 10
"""No group is ever smaller, whatever the parameters say."""
_MOST_BYTES = 16_000_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Group(_Frozen):
    """A base rate, and at least how many consenting users it comes from (rounded down to tens)."""

    rate: Annotated[float, Field(ge=0.02, le=0.98, strict=True)]
    users: Annotated[int, Field(ge=LEAST_USERS, strict=True)]


class Topic(Group):
    """The group of a public statement: the beliefs of users that say what it says."""

    statement: Text
    kind: Kind


class Population(_Frozen):
    """Base rates among the users who consented. `version` names what is in it; `users` is how many consented."""

    version: Annotated[str, Field(min_length=1, max_length=80)]
    built: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    minimum_users: Annotated[int, Field(ge=LEAST_USERS, strict=True)]
    users: Annotated[int, Field(ge=0, strict=True)]
    kinds: dict[Kind, Group]
    topics: tuple[Topic, ...]

    @model_validator(mode="after")
    def _large_enough(self) -> "Population":
        groups = {f"kinds.{kind}": group for kind, group in self.kinds.items()}
        groups |= {f"topics.{place}": topic for place, topic in enumerate(self.topics)}
        for name, group in groups.items():
            if group.users < self.minimum_users:
                raise InvalidInputError(
                    f"{name}.users", f"must be at least {self.minimum_users}, the minimum"
                )
        if len({(normal_form(topic.statement), topic.kind) for topic in self.topics}) < len(self.topics):
            raise InvalidInputError("topics", "must have each statement once")
        return self

    def same_rates(self, other: "Population") -> bool:
        """Say whether another one holds the same groups with the same rates, whenever either was built."""
        return (self.kinds, self.topics) == (other.kinds, other.topics)


def load_population(path: Path | str) -> Population:
    """Read a population from the file that the job wrote. Raises `InvalidInputError` naming the field."""
    place = Path(path)
    try:
        with place.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInputError("population", f"{place} cannot be read: {error.strerror}") from None
    if len(raw) > _MOST_BYTES:
        raise InvalidInputError("population", f"{place} must be at most {_MOST_BYTES:,} bytes")
    try:
        return Population.model_validate_json(raw)
    except ValidationError as error:
        raise invalid_input(error, prefix=f"population {place}: ") from None


def save_population(population: Population, path: Path | str) -> None:
    """Write a population to a file, whole or not at all: it takes the place of what was there in one step."""
    text = json.dumps(population.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_whole(path, text + "\n")
