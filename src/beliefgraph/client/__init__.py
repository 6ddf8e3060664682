"""A store behind a service: the same self-models over HTTP, made by `BeliefGraph.open("https://…", api_key=…)`.

No rules here: what a caller gives is checked as ever, sent, and read back with the models that the service writes.
"""
