"""What goes over HTTP: the records of the library under the same names, described once for the service and its client.

The service writes an answer with these models (beliefgraph.api), the client reads it with them (beliefgraph.client).
"""
