"""The routes of the service, a module for each family. A new family is a module with a `router`, named in ROUTERS.

A route reads its parameters, makes one call of the library and answers with a model of beliefgraph.wire. No rules here.
"""

from beliefgraph.api.routes import (
    beliefs,
    choices,
    conflicts,
    events,
    learning,
    onboarding,
    provenance,
    responses,
    service,
    signals,
    users,
)

ROUTERS = (
    users.router,
    beliefs.router,
    responses.router,
    signals.router,
    choices.router,
    conflicts.router,
    provenance.router,
    onboarding.router,
    learning.router,
    events.router,
    service.router,
)
