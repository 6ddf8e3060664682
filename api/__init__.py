"""The service: the HTTP application, its wire schemas, its table of errors and its pages.

No rules here: what a signal means lies in `beliefgraph.ingest`, what a person is shown in `beliefgraph.queries`.
"""
