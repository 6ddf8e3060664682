"""Provenance as a W3C PROV document in PROV-JSON (W3C member submission of 24 April 2013).

Names are those of the graph (`belief:…`, `signal:…`), ids percent-encoded. A belief is an entity; `revision:N` is the
belief as its revision N left it, a specialization of it and a revision of the one before; `change:N` is the activity
that made it. Signals and responses are entities; the user and whoever edits are persons, beliefgraph is software.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import Revision, Signal

if TYPE_CHECKING:
    from beliefgraph.queries.provenance import Provenance

_NAMESPACE = "urn:beliefgraph:"
_SOFTWARE, _PRODUCT, _EDITOR = "bg:beliefgraph", "bg:product", "bg:editor"


def to_prov(found: "Provenance") -> dict[str, Any]:
    """Return the document, ready for `json.dumps`."""
    document = _Document()
    user = _name("user", found.user_id)
    document.add("agent", user, prov_type="prov:Person")
    document.add("agent", _SOFTWARE, prov_type="prov:SoftwareAgent")
    _add_beliefs(document, found)
    if found.responses:
        document.add("agent", _PRODUCT, prov_type="prov:SoftwareAgent")
    for response in found.responses.values():
        name = _name("response", response.id)
        document.add(
            "entity", name, prov_type="bg:Response", text=response.text, recorded_at=response.recorded_at
        )
        document.relate("wasAttributedTo", entity=name, agent=_PRODUCT)
        for edge in response.generated_by:
            about = {
                "weight": edge.weight,
                "adherence": edge.adherence,
                "confidence_then": edge.confidence_then,
            }
            behind = _name("belief", edge.belief_id)
            document.relate("wasDerivedFrom", about, generatedEntity=name, usedEntity=behind)
    for signal, _ in found.signals.values():
        _add_signal(document, signal, user)
    before: dict[BeliefId, str] = {}
    for revision in found.revisions:
        _add_revision(document, found, revision, before.get(revision.belief_id))
        before[revision.belief_id] = _name("revision", str(revision.seq))
    return document.content()


class _Document:
    """A PROV-JSON document as it grows."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def add(self, kind: str, name: str, /, *, prov_type: str, label: str | None = None, **about: Any) -> None:
        """Add an entity or an agent with its attributes."""
        typed: dict[str, Any] = {"prov:type": _qualified(prov_type)}
        if label is not None:
            typed["prov:label"] = label
        self._records[kind][name] = typed | _attributes(about)

    def act(self, name: str, at: datetime, **about: Any) -> None:
        """Add an activity that took no time."""
        when = at.isoformat()
        self._records["activity"][name] = {
            "prov:startTime": when,
            "prov:endTime": when,
            "prov:type": _qualified("bg:Change"),
            **_attributes(about),
        }

    def relate(
        self, kind: str, about: Mapping[str, Any] | None = None, /, prov_type: str | None = None, **ends: str
    ) -> None:
        """Add a relation between its ends."""
        typed = {} if prov_type is None else {"prov:type": _qualified(prov_type)}
        number = sum(len(records) for records in self._records.values())
        self._records[kind][f"_:n{number}"] = {
            **{f"prov:{role}": end for role, end in ends.items()},
            **typed,
            **_attributes(about or {}),
        }

    def content(self) -> dict[str, Any]:
        """Return the whole."""
        kinds = ("user", "belief", "response", "signal", "revision", "change")
        prefixes = {kind: f"{_NAMESPACE}{kind}:" for kind in kinds}
        return {"prefix": {"bg": _NAMESPACE, **prefixes}, **self._records}


def _add_beliefs(document: _Document, found: "Provenance") -> None:
    for belief in found.beliefs.values():
        name, about = _name("belief", belief.id), {}
        if ("belief", belief.id) == (found.root_kind, found.root_id) and found.prior is not None:
            about = {"base_log_odds": found.prior.log_odds, "base_rate_users": found.prior.users}
            about |= {"changes_left_out": found.left_out}
        document.add(
            "entity",
            name,
            prov_type="bg:Belief",
            label=belief.statement,
            confidence=belief.confidence,
            standing=belief.standing,
            source=belief.source,
            kind=belief.kind,
            context=belief.context,
            **about,
        )
        for origin in found.origins[belief.id]:
            kind, _, id = origin.partition(":")
            document.relate("wasDerivedFrom", generatedEntity=name, usedEntity=_name(kind, id))
    for link in found.links:
        document.relate(
            "wasInfluencedBy",
            {
                "strength": link.strength,
                "status": link.status,
                "detector": link.detector,
                "reason": link.reason,
            },
            prov_type=f"bg:{link.kind.capitalize()}",
            influencee=_name("belief", link.high),
            influencer=_name("belief", link.low),
        )


def _add_signal(document: _Document, signal: Signal, user: str) -> None:
    name = _name("signal", signal.id)
    document.add(
        "entity",
        name,
        prov_type="bg:Signal",
        kind=signal.kind,
        value=signal.value,
        text=signal.text,
        tag=list(signal.tags),
        context=signal.context,
        note=signal.note,
        observed_at=signal.observed_at,
        recorded_at=signal.recorded_at,
        retracted_at=signal.retracted_at,
        retraction_note=signal.retraction_note,
    )
    by_editor = signal.kind == "set"
    if by_editor:
        document.add("agent", _EDITOR, prov_type="prov:Person")
    document.relate("wasAttributedTo", entity=name, agent=_EDITOR if by_editor else user)
    for kind, about in (("response", signal.response_id), ("belief", signal.belief_id)):
        if about is not None:
            document.relate(
                "wasInfluencedBy", prov_type="bg:About", influencee=name, influencer=_name(kind, about)
            )


def _add_revision(document: _Document, found: "Provenance", revision: Revision, before: str | None) -> None:
    version, change = _name("revision", str(revision.seq)), _name("change", str(revision.seq))
    document.add("entity", version, prov_type="bg:Version", confidence=revision.after)
    document.act(
        change,
        revision.recorded_at,
        action=revision.action,
        reason=revision.reason,
        nats=revision.nats,
        confidence_before=revision.before,
        cause_kind=revision.cause_kind,
        cause_id=revision.cause_id,
        parameters_version=revision.parameters_version,
    )
    belief = _name("belief", revision.belief_id)
    document.relate("specializationOf", specificEntity=version, generalEntity=belief)
    document.relate("wasGeneratedBy", entity=version, activity=change)
    document.relate("wasAssociatedWith", activity=change, agent=_SOFTWARE)
    if before is not None:
        document.relate(
            "wasDerivedFrom", prov_type="prov:Revision", generatedEntity=version, usedEntity=before
        )
    if revision.cause_kind in ("signal", "retraction"):
        document.relate("used", activity=change, entity=_name("signal", revision.cause_id))


def _name(kind: str, id: str) -> str:
    return f"{kind}:{quote(id, safe='')}"


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _attributes(about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"bg:{name}": _literal(value)
        for name, value in about.items()
        if value is not None and value not in ([], {})
    }


def _literal(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$": value.isoformat(), "type": "xsd:dateTime"}
    if isinstance(value, Mapping):
        return json.dumps(dict(value), sort_keys=True, ensure_ascii=False)
    return value
