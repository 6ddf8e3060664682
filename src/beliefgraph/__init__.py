"""beliefgraph: a belief-aware feedback loop over a graph of beliefs about a user.

from beliefgraph import BeliefGraph

with BeliefGraph.open("beliefs.db") as graph:
    ada = graph.user("ada")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beliefgraph.bootstrap import BeliefGraph as BeliefGraph
    from beliefgraph.calibration import Calibration as Calibration
    from beliefgraph.client.graph import RemoteGraph as RemoteGraph
    from beliefgraph.curve import Curve as Curve
    from beliefgraph.graph.errors import AccessDeniedError as AccessDeniedError
    from beliefgraph.graph.errors import BeliefGraphError as BeliefGraphError
    from beliefgraph.graph.errors import ChangedMeanwhileError as ChangedMeanwhileError
    from beliefgraph.graph.errors import DuplicateIdError as DuplicateIdError
    from beliefgraph.graph.errors import IntegrityError as IntegrityError
    from beliefgraph.graph.errors import InvalidInputError as InvalidInputError
    from beliefgraph.graph.errors import ModelUnavailableError as ModelUnavailableError
    from beliefgraph.graph.errors import NotFoundError as NotFoundError
    from beliefgraph.graph.errors import NotServedError as NotServedError
    from beliefgraph.graph.errors import ServiceError as ServiceError
    from beliefgraph.graph.errors import StoreUnavailableError as StoreUnavailableError
    from beliefgraph.graph.errors import StoreVersionError as StoreVersionError
    from beliefgraph.graph.errors import UnknownSignalKindError as UnknownSignalKindError
    from beliefgraph.graph.model import Belief as Belief
    from beliefgraph.graph.model import Conflict as Conflict
    from beliefgraph.graph.model import GeneratedBy as GeneratedBy
    from beliefgraph.graph.model import Interpretation as Interpretation
    from beliefgraph.graph.model import Outcome as Outcome
    from beliefgraph.graph.model import Response as Response
    from beliefgraph.graph.model import Revision as Revision
    from beliefgraph.graph.model import Signal as Signal
    from beliefgraph.ingest.bank import Bank as Bank
    from beliefgraph.ingest.parameters import Parameters as Parameters
    from beliefgraph.ingest.population import Population as Population
    from beliefgraph.ingest.reader import IngestReport as IngestReport
    from beliefgraph.ingest.reinterpretation import Reinterpretation as Reinterpretation
    from beliefgraph.ingest.relate import Relation as Relation
    from beliefgraph.logaudit import audit_log as audit_log
    from beliefgraph.onboarding import Onboarding as Onboarding
    from beliefgraph.queries.audit import Audit as Audit
    from beliefgraph.queries.diff import Diff as Diff
    from beliefgraph.queries.explain import Explanation as Explanation
    from beliefgraph.queries.log_audit import LogAudit as LogAudit
    from beliefgraph.queries.pages import Page as Page
    from beliefgraph.queries.personalize import Personalization as Personalization
    from beliefgraph.queries.provenance import Provenance as Provenance
    from beliefgraph.queries.trace import Trace as Trace
    from beliefgraph.queries.verify import VerifyReport as VerifyReport
    from beliefgraph.queries.what_if import WhatIf as WhatIf
    from beliefgraph.selfmodel import SelfModel as SelfModel

__version__ = "0.1.0"

_HOMES = {
    "BeliefGraph": "bootstrap",
    "RemoteGraph": "client.graph",
    "SelfModel": "selfmodel",
    **dict.fromkeys(
        (
            "AccessDeniedError",
            "BeliefGraphError",
            "ChangedMeanwhileError",
            "DuplicateIdError",
            "IntegrityError",
            "InvalidInputError",
            "ModelUnavailableError",
            "NotFoundError",
            "NotServedError",
            "ServiceError",
            "StoreUnavailableError",
            "StoreVersionError",
            "UnknownSignalKindError",
        ),
        "graph.errors",
    ),
    **dict.fromkeys(
        ("Belief", "Conflict", "GeneratedBy", "Interpretation", "Outcome", "Response", "Revision", "Signal"),
        "graph.model",
    ),
    "Bank": "ingest.bank",
    "Calibration": "calibration",
    "Curve": "curve",
    "Onboarding": "onboarding",
    "Parameters": "ingest.parameters",
    "Population": "ingest.population",
    "IngestReport": "ingest.reader",
    "Reinterpretation": "ingest.reinterpretation",
    "Relation": "ingest.relate",
    "audit_log": "logaudit",
    "Audit": "queries.audit",
    "LogAudit": "queries.log_audit",
    "Diff": "queries.diff",
    "Explanation": "queries.explain",
    "Page": "queries.pages",
    "Personalization": "queries.personalize",
    "Provenance": "queries.provenance",
    "Trace": "queries.trace",
    "VerifyReport": "queries.verify",
    "WhatIf": "queries.what_if",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
