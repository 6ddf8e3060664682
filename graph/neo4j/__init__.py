"""The production store: a property graph on a Neo4j server, with the official driver."""
