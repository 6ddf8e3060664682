"""The description of the service (OpenAPI), completed: who may call what, and every problem of every route."""

from fastapi import FastAPI


def complete(app: FastAPI) -> None:
    """Let the application describe itself completely; nothing is made before it is asked for."""
