"""The pages that a browser sees: where to go (`/`), and the whole interface (`/docs`), from the OpenAPI description.

Self-contained: no script, nothing fetched from anywhere; a policy in the header holds the browser to it.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from string import Template
from typing import Any

from beliefgraph.api.limits import BATCH_LINES, HEAD_S, Limits
from beliefgraph.api.problems import KINDS
from beliefgraph.ingest.parameters import Parameters

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")
_CODE = re.compile(r"`([^`]+)`")
_METHODS = ("get", "post", "patch", "delete")
_DID = {
    "rating": 'pressed a thumb, or rated; `true`, `false`, `"positive"` and `"negative"` do too',
    "stars": "gave so many stars",
    "answer": "solved what was asked of her: 1 right, 0 wrong",
    "accept": "took it as it is",
    "copy": "copied it",
    "save": "kept it",
    "share": "passed it on",
    "click": "clicked on it",
    "dwell": "stayed with it for so many seconds",
    "edit": "changed this share of it; `text` is the edited version",
    "regenerate": "asked for another",
    "abandon": "left in the middle of it",
    "ignore": "passed it over",
    "correction": "said what is right instead; takes the place of the belief that it is about",
    "statement": "said something about herself",
    "confirm": "said that the belief is true",
    "deny": "said that it is not",
    "consent": "lets others learn from her (1), or no longer (0)",
}


def _file(name: str) -> str:
    return files("beliefgraph.api.pages").joinpath(name).read_text(encoding="utf-8")


class Pages:
    """The pages of one service; `guarded` says whether it wants keys by now."""

    def __init__(self, *, version: str, guarded: Callable[[], bool], limits: Limits) -> None:
        self._version, self._guarded, self._limits = version, guarded, limits
        self._style = _file("style.css")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
        }

    def index(self, base: str) -> str:
        """Return the page that says where to go; `base` is where the service was reached."""
        auth = ' \\\n  -H "Authorization: Bearer KEY"' if self._guarded() else ""
        return self._page("beliefgraph", "index.html", base, auth=auth)

    def docs(self, base: str, openapi: Mapping[str, Any], parameters: Parameters) -> str:
        """Return the page of the whole interface."""
        bearer = ' \\\n  -H "Authorization: Bearer $KEY"' if self._guarded() else ""
        limits = self._limits
        rate = (
            f"A key may send {limits.rate_per_s:g} requests a second to each process; then it is 429 with "
            "<code>Retry-After</code>."
            if limits.rate_per_s
            else "A key may send as many requests as it likes."
        )
        return self._page(
            "beliefgraph over HTTP",
            "docs.html",
            base,
            key=" KEY=…" if self._guarded() else "",
            read=bearer,
            send=bearer + ' \\\n  -H "Content-Type: application/json"',
            body_mb=f"{limits.body_bytes / 1e6:g}",
            batch_mb=f"{limits.batch_bytes / 1e6:g}",
            batch_lines=f"{BATCH_LINES:,}",
            rate=rate,
            head_s=f"{HEAD_S:g}",
            body_s=f"{limits.body_s:g}",
            signals=_signals(parameters),
            tags=", ".join(f"<code>{html.escape(tag)}</code>" for tag in sorted(parameters.tags)),
            routes="\n".join(_routes(openapi)),
            records="\n".join(_records(openapi)),
            problems=_problems(),
        )

    def _page(self, title: str, name: str, base: str, **parts: str) -> str:
        guarded = (
            "It wants a key with every request: <code>Authorization: Bearer KEY</code>."
            if self._guarded()
            else "It answers this machine alone, and wants no key."
        )
        body = Template(_file(name)).substitute(
            version=self._version, guarded=guarded, base=html.escape(base), **parts
        )
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<style>{self._style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
        )


def base_of(scheme: str, host: str) -> str:
    """Return the address to show in examples; a header that names no host is not shown."""
    return f"{scheme}://{host}" if _HOST.fullmatch(host) else "http://127.0.0.1:8000"


def _routes(openapi: Mapping[str, Any]) -> Iterator[str]:
    for tag in openapi["tags"]:
        yield f"<h3>{tag['name'].capitalize()}</h3>\n<p>{_text(tag['description'])}</p>"
        for path, operations in openapi["paths"].items():
            for method in _METHODS:
                operation = operations.get(method)
                if operation is not None and tag["name"] in operation["tags"]:
                    yield _route(path, method, operation, openapi["components"]["schemas"])


def _route(path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    parts = [f"<p>{_text(operation['description'])}</p>"]
    parameters = [
        (f"<code>{one['name']}</code>", one["in"], _type(_given(one["schema"])), _text(one["description"]))
        for one in operation.get("parameters", [])
    ]
    if parameters:
        parts += ["<h4>Parameters</h4>", _table(("name", "in", "type", "meaning"), parameters)]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h4>Body: {html.escape(kind)}</h4><p>{_type(content['schema'])}</p>")
        parts += [_sample(content["schema"], schemas)]
    answers = [
        (status, _answer_type(answer), _text(answer["description"]))
        for status, answer in sorted(operation["responses"].items())
    ]
    parts += ["<h4>Answers</h4>", _table(("status", "body", "meaning"), answers)]
    head = (
        f'<summary><span class="method {method}">{method.upper()}</span><code>{html.escape(path)}</code>'
        f'<span class="what">{_text(operation["summary"])}</span></summary>'
    )
    return f'<details id="{operation["operationId"]}">{head}<div>{"".join(parts)}</div></details>'


def _given(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a parameter that is given: null stands for one that is not."""
    if "anyOf" not in schema:
        return schema
    return {**schema, "anyOf": [one for one in schema["anyOf"] if one.get("type") != "null"]}


def _sample(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return an example of a body: its own, else made of those of its fields; nothing where it is no record."""
    record = schemas.get(schema.get("$ref", "").rpartition("/")[2])
    if record is None:
        return ""
    of_fields = {
        name: one["examples"][0] for name, one in record["properties"].items() if one.get("examples")
    }
    given = record.get("examples", [of_fields])[0]
    sample = {name: given[name] for name in record["properties"] if name in given}
    shown = json.dumps(sample, ensure_ascii=False, indent=2)
    return f"<pre><code>{html.escape(shown, quote=False)}</code></pre>"


def _answer_type(answer: Mapping[str, Any]) -> str:
    return " or ".join(
        "<a href='#problems'>problem</a>" if kind.endswith("problem+json") else _type(content["schema"])
        for kind, content in answer.get("content", {}).items()
    )


def _records(openapi: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        if "properties" not in schema:
            continue
        wanted = schema.get("required", [])
        rows = [
            (
                f"<code>{field}</code>",
                _type(one) + ("" if field in wanted else ", optional"),
                _text(one.get("description", "")) + _example(one),
            )
            for field, one in schema["properties"].items()
        ]
        head = f'<summary><code>{name}</code><span class="what">{_text(_first_line(schema))}</span></summary>'
        table = _table(("field", "type", "meaning"), rows)
        yield f'<details id="record-{name}">{head}<div>{table}</div></details>'


def _first_line(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description", "")).partition("\n")[0]


def _example(schema: Mapping[str, Any]) -> str:
    if not schema.get("examples"):
        return ""
    shown = json.dumps(schema["examples"][0], ensure_ascii=False)
    return f"<br>e.g. <code>{html.escape(shown)}</code>"


def _type(schema: Mapping[str, Any]) -> str:
    """Return the type of a schema in words, with a link for a record."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "any JSON" if name == "JsonValue" else f'<a href="#record-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{html.escape(str(one))}</code>" for one in schema["enum"])
    kind = schema.get("type", "any JSON")
    if kind == "array":
        inner = schema.get("items") or {}
        return f"list of {_type(inner)}" if inner else "list"
    return "time" if schema.get("format") == "date-time" else str(kind)


def _signals(parameters: Parameters) -> str:
    rows = []
    for name in parameters.sent:
        kind = parameters.signals[name]
        scale = [value for value, _ in kind.scale]
        value = f"{scale[0]:g} to {scale[-1]:g}".replace("-", "−") if scale else "none"
        wants_text = kind.text in ("correction", "statement")
        did = "; ".join(filter(None, (_DID.get(name), "`text` is required" if wants_text else None)))
        rows.append((f"<code>{html.escape(name)}</code>", _text(did), value, " or ".join(kind.about)))
    return _table(("kind", "the user", "value", "about"), rows)


def _problems() -> str:
    rows = [
        (f"<code>{kind.type}</code>", str(kind.status), html.escape(kind.title))
        for kind in sorted(KINDS, key=lambda kind: (kind.status, kind.name))
    ]
    return _table(("type", "status", "meaning"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    """Return a description as HTML: escaped, with code where it has back-ticks."""
    paragraphs = html.escape(text, quote=False).split("\n\n")
    return "</p><p>".join(_CODE.sub(r"<code>\1</code>", one) for one in paragraphs)
