"""Named blocks of a query file: `-- name: …` (or `// name: …`) starts one, the next name or the end of file ends it."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^(?:--|//) name: (.+)$", re.MULTILINE)


@cache
def load_blocks(package: str, filename: str) -> dict[str, str]:
    """Read the blocks of a package's file once, in the order of the file. Raises ValueError on a repeated name."""
    parts = _NAME.split(files(package).joinpath(filename).read_text(encoding="utf-8"))
    names, bodies = [name.strip() for name in parts[1::2]], [body.strip() for body in parts[2::2]]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{filename} names a block twice")
    return dict(zip(names, bodies, strict=True))
