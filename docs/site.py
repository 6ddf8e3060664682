"""What the site needs beyond its pages: the interface over HTTP, and the files of the repository that pages link to.

A page links to `../graph/ledger.py`, as hosting sites of repositories show it. The site holds that file, as it stands,
under `source/`, and the link leads there. A link that leads nowhere is left as it is, and the strict build says so.
"""

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from beliefgraph import BeliefGraph, __version__
from beliefgraph.api.app import create_app
from beliefgraph.api.limits import Limits
from beliefgraph.api.pages import Pages
from beliefgraph.ingest.parameters import load_parameters

_OUTSIDE = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add every file outside the documentation that a page links to."""
    for page in list(files.documentation_pages()):
        for link in _OUTSIDE.finditer(page.content_string):
            name = _named(page, link[1], config)
            if name is not None and files.get_file_from_path(f"source/{name}.txt") is None:
                text = (_root(config) / name).read_text(encoding="utf-8")
                files.append(File.generated(config, f"source/{name}.txt", content=text))
    files.append(File.generated(config, "reference/http.html", content=_interface()))
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links that leave the documentation to the copies."""
    del files
    up = "../" * page.file.src_uri.count("/")

    def led(link: re.Match[str]) -> str:
        name = _named(page.file, link[1], config)
        return link[0] if name is None else f"]({up}source/{name}.txt)"

    return _OUTSIDE.sub(led, markdown)


def _interface() -> str:
    """Return the page that `/docs` of a running service shows to callers with keys."""
    pages = Pages(version=__version__, guarded=lambda: True, limits=Limits())
    app = create_app(BeliefGraph.open)  # which opens nothing before it serves
    return pages.docs("http://localhost:8000", app.openapi(), load_parameters())


def _named(page: File, link: str, config: MkDocsConfig) -> PurePosixPath | None:
    """Return the path within the repository of a file outside the documentation; None: it is none."""
    docs = Path(config.docs_dir)
    target = (docs / page.src_uri).parent.joinpath(link).resolve()
    if target.is_relative_to(docs) or not target.is_relative_to(_root(config)) or not target.is_file():
        return None
    return PurePosixPath(target.relative_to(_root(config)).as_posix())


def _root(config: MkDocsConfig) -> Path:
    return Path(config.docs_dir).parent
