"""The stored self-model: nodes, edges, the ledger that confidence is read from, and the stores that keep them.

Nothing here interprets a signal, speaks HTTP or reads the environment.
"""
