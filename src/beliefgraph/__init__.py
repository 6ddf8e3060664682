"""beliefgraph: a belief-aware feedback loop over a graph of beliefs about a user."""
