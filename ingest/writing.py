"""Files that appear whole or not at all, and mappings as TOML. What is written is decided elsewhere."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_whole(path: Path | str, text: str) -> None:
    """Write a file: it takes the place of what was there in one step, also beside others that write the same.

    Raises `OSError`; what was there is then as it was.
    """
    place = Path(path)
    beside = place.with_name(f"{place.name}.{secrets.token_hex(4)}.new")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def to_toml(values: Mapping[str, Any], path: str = "") -> str:
    """Write a mapping as TOML: what is plain first, then a table for each mapping."""
    plain = [
        f"{_key(name)} = {_toml_value(value)}\n" for name, value in values.items() if not _is_table(value)
    ]
    inner = [
        to_toml(value, f"{path}.{_key(name)}".lstrip("."))
        for name, value in values.items()
        if _is_table(value)
    ]
    head = f"\n[{path}]\n" if path and plain else ""
    return head + "".join(plain) + "".join(inner)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _key(name: str) -> str:
    return (
        name
        if name.replace("_", "").replace("-", "").isalnum() and name.isascii()
        else json.dumps(name, ensure_ascii=False)
    )


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_toml_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else repr(value)
