"""The audit of a product's own log: what each row is taken for, each way in which a signal is lost, and sums."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph import LogAudit, audit_log
from beliefgraph.cli.console import to_json
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.export_map import load_map, make_map
from beliefgraph.ingest.reader import Line, Unreadable
from tests.worlds import PARAMETERS, parameters_with

MAP = make_map(
    {
        "columns": {"user": "uid", "kind": "event", "response": "answer", "value": "score", "at": "ts"},
        "kinds": {
            "shown": "response",
            "thumb": "rating",
            "page": "-",
            "up": {"kind": "rating", "value": 1},
        },
        "values": {"bad": -1},
        "tags": {"made up": "inaccurate"},
    }
)
SHOWN = {"event": "shown", "uid": "ada", "answer": "r0"}
THUMB = {"event": "thumb", "uid": "ada", "answer": "r0", "score": 1}
Row = Mapping[str, Any]


def _audit(*rows: Row | str, **options: Any) -> LogAudit:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return audit_log({"log": lines}, MAP, PARAMETERS, **options)


def _csv(text: str, columns: Mapping[str, Any] | None = None, **options: Any) -> LogAudit:
    export_map = MAP if columns is None else make_map({"columns": columns}).over(MAP)
    return audit_log({"log.csv": text.encode().splitlines(keepends=True)}, export_map, PARAMETERS, **options)


# Each way to be lost


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([SHOWN, {**THUMB, "uid": ""}], "no_user"),
        ([SHOWN, {**THUMB, "uid": None}], "no_user"),
        ([SHOWN, {**THUMB, "score": 7}], "refused"),
        ([SHOWN, {**THUMB, "score": "splendid"}], "refused"),
        ([SHOWN, {**THUMB, "score": None}], "refused"),
        ([SHOWN, {**THUMB, "uid": "a b"}], "refused"),
        ([SHOWN, {**THUMB, "tags": "lovely"}], "refused"),
        ([SHOWN, {**THUMB, "event": "correction"}], "refused"),
        ([SHOWN, {**THUMB, "event": "confirm"}], "refused"),
        ([SHOWN, {**THUMB, "answer": ""}], "no_response_id"),
        ([SHOWN, {name: value for name, value in THUMB.items() if name != "answer"}], "no_response_id"),
        ([SHOWN, {**THUMB, "answer": "r9"}], "unknown_response"),
        ([SHOWN, {**THUMB, "uid": "bob"}], "other_user"),
        ([THUMB], "no_responses"),
        ([SHOWN, {**THUMB, "score": {"up": 1}}], "refused"),
        ([SHOWN, {**THUMB, "answer": "\ud800"}], "unknown_response"),
    ],
)
def test_each_way_to_be_lost(rows: list[Row], reason: str) -> None:
    """One signal, one reason; it is named with its place, and its user is an orphan."""
    audit = _audit(*rows)
    assert {reason: 1} == audit.total.reasons
    assert {reason: (f"log:{len(rows)}",)} == audit.examples
    assert (1, 0, 0.0, False) == (audit.total.received, audit.total.reaching, audit.total.share, audit.ok)
    assert (reason not in ("no_user", "refused")) == audit.total.understood
    assert (reason != "no_user") == audit.orphans == len(audit.orphan_examples)


@pytest.mark.parametrize(
    "row",
    [
        THUMB,
        {**THUMB, "score": True},
        {**THUMB, "score": "positive"},
        {**THUMB, "score": " bad "},
        {**THUMB, "score": "-0.5"},
        {**THUMB, "event": "up", "score": "whatever"},
        {**THUMB, "tags": "made up; Too-Long"},
        {**THUMB, "tags": ["made up", "too_long"]},
        {**THUMB, "event": "copy"},
        {"event": "statement", "uid": "ada", "text": "I work in metric units"},
        {"event": "correction", "uid": "ada", "text": "I work in metric units"},
    ],
)
def test_what_would_reach_the_model(row: Row) -> None:
    """A known response of the same user, or a text that speaks for itself; words are read through the map."""
    audit = _audit(SHOWN, row)
    assert (1, 1, 1, {}, True) == (
        audit.total.received, audit.total.understood, audit.total.reaching, audit.total.reasons, audit.ok
    )  # fmt: skip


def test_the_order_of_the_rows_does_not_matter() -> None:
    """Responses and signals often come from two tables, one after the other."""
    assert 1 == _audit(THUMB, SHOWN).total.reaching


def test_rows_that_are_no_signals() -> None:
    """Events that nobody has said the meaning of are listed, not counted; so are left out and broken rows."""
    audit = _audit(
        SHOWN, THUMB, {"event": "nps", "uid": "ada"}, {"uid": "ada"}, {"event": "page"}, "{", "[1]"
    )
    assert (7, 1, 1, 2, 1) == (
        audit.rows, audit.response_rows, audit.total.received, audit.unreadable, audit.left_out
    )  # fmt: skip
    assert {"nps": 1, "(unnamed)": 1} == audit.unknown
    assert not audit.ok
    assert _audit(SHOWN, THUMB, {"event": "page"}).ok


def test_rows_that_do_not_say_which_event_they_are() -> None:
    """They are told apart from events that nobody knows, with their lines."""
    audit = _audit(SHOWN, THUMB, {"uid": "ada"}, {"event": " ", "uid": "ada"}, {"event": "nps", "uid": "ada"})
    assert (2, ("log:3", "log:4")) == (audit.unknown["(unnamed)"], audit.nameless_examples)
    said = str(audit)
    assert "Rows that do not say which event they are: 2, such as log:3, log:4 (column event)." in said
    assert "         nps 1\n" in said
    assert "Events that are not known here" not in str(_audit(SHOWN, {"uid": "ada"}))


def test_ignore_is_a_kind_of_signal() -> None:
    """A user passed an answer over: with an entry in the map and without one. Leaving out has a word of its own."""
    passed_over = {"user": "ada", "response": "r0"}
    rows = [{**passed_over, "kind": kind} for kind in ("response", "ignore", "skipped", "page")]
    skipped = make_map({"kinds": {"skipped": "ignore", "page": "-"}})
    audit = audit_log({"log": map(json.dumps, rows)}, skipped, PARAMETERS)
    assert {"ignore": "ignore", "skipped": "ignore"} == {
        event: found.kind for event, found in audit.events.items()
    }
    assert (2, 1, True) == (audit.total.reaching, audit.left_out, audit.ok)


def test_a_response_without_id_or_user_can_never_be_named() -> None:
    """It is a finding, even where every signal has its response."""
    audit = _audit(SHOWN, THUMB, {"event": "shown", "uid": "ada"}, {"event": "shown", "answer": "r1"})
    assert (3, 1, 2, False) == (audit.response_rows, audit.responses, audit.unnamed_responses, audit.ok)
    assert "Responses without an id or a user: 2." in str(audit)


def test_which_texts_would_be_read() -> None:
    """Comments of accepted signals are; the edited version, what a click says and lost ones are not."""
    said = {"text": "too long"}
    audit = _audit(
        SHOWN,
        {**THUMB, **said},
        {**THUMB, **said, "answer": ""},
        {**THUMB, **said, "answer": "r9"},
        {**THUMB, **said, "event": "edit", "score": 0.5},
        {**THUMB, **said, "event": "click"},
        {**THUMB, "text": "  "},
    )
    assert {"thumb": (3, 2), "edit": (1, 0), "click": (1, 0)} == {
        event: (found.texts, found.texts_read) for event, found in audit.events.items()
    }


def test_what_an_event_can_move() -> None:
    """A rating moves a belief more than a click does; a statement counts by its text."""
    rows = [{**THUMB, "event": event} for event in ("thumb", "click")]
    found = _audit(SHOWN, *rows, {**THUMB, "event": "statement", "text": "x y"}).events
    assert found["thumb"].moves > found["click"].moves > found["statement"].moves == 0.0
    assert ("rating", "click", "statement") == tuple(
        found[event].kind for event in ("thumb", "click", "statement")
    )


def test_users_with_orphans_only() -> None:
    """Users none of whose signals would reach the model, the busiest first."""
    lost = [{**THUMB, "uid": user, "answer": ""} for user in ("bob", "eve", "eve")]
    audit = _audit(SHOWN, THUMB, {**THUMB, "answer": ""}, *lost)
    assert (3, 2, ("eve", "bob")) == (audit.users, audit.orphans, audit.orphan_examples)


def test_one_user_or_a_part_of_the_time() -> None:
    """Signals are chosen, responses are looked for among all; what has no time stays."""
    rows: list[Row] = [
        SHOWN,
        {**THUMB, "uid": "bob"},
        {**THUMB, "ts": "2026-01-01T00:00:00Z"},
        {**THUMB, "ts": "2026-02-01T00:00:00Z"},
        THUMB,
    ]
    assert {"other_user": 1} == _audit(*rows, user="bob").total.reasons
    since = round(datetime(2026, 1, 15, tzinfo=UTC).timestamp() * 1e6)
    audit = _audit(*rows, user="ada", since_us=since, per="month")
    assert {"(undated)": 1, "2026-02-01": 1} == {name: part.received for name, part in audit.periods.items()}
    assert 3 == audit.rows


@pytest.mark.parametrize(
    ("ts", "period", "naive"),
    [
        ("2026-01-07T12:00:00Z", "2026-01-05", 0),
        ("2026-01-07 12:00:00", "2026-01-05", 1),
        ("2026-01-07", "2026-01-05", 1),
        ("2026-01-12T00:30:00+01:00", "2026-01-05", 0),
        (1767787200, "2026-01-05", 0),
        ("1767787200000", "2026-01-05", 0),
        (1767787200000000, "2026-01-05", 0),
        (" ", "(undated)", 0),
        (None, "(undated)", 0),
    ],
)
def test_times(ts: Any, period: str, naive: int) -> None:
    """ISO 8601, or seconds, milliseconds or microseconds since 1970; without a timezone it is UTC, and said."""
    audit = _audit(SHOWN, {**THUMB, "ts": ts})
    assert ([period], naive, period == "(undated)") == (list(audit.periods), audit.naive, bool(audit.undated))
    assert 1 == audit.total.reaching


@pytest.mark.parametrize(
    ("ts", "expected"),
    [
        ("2026-03-01T00:00:00Z", None),
        ("2026-03-01T00:04:00Z", None),
        (
            "2026-03-01T00:06:00Z",
            "must not be more than five minutes in the future (after 2026-03-01T00:05:00",
        ),
        ("02.11.2026 10:00", "must be a time, as in 2026-01-31T12:00:00Z, or seconds since 1970"),
        (1e30, "must be a time, as in 2026-01-31T12:00:00Z, or seconds since 1970"),
        ({"day": 1}, "must be a time, as in 2026-01-31T12:00:00Z, or seconds since 1970"),
    ],
)
def test_times_that_would_be_refused(ts: Any, expected: str | None) -> None:
    """What lies ahead or is no time is refused at the door, so it is here; the account says where and why."""
    audit = _audit(SHOWN, {**THUMB, "ts": ts}, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    if expected is None:
        assert audit.ok
        return
    assert ({"refused": 1}, 0) == (audit.total.reasons, audit.undated)
    (refusal,) = audit.refusals
    assert ("at", 1, ("log:2",)) == (refusal.field, refusal.count, tuple(refusal.examples))
    assert refusal.expected.startswith(expected)
    assert f"1 × at: {expected}" in str(audit)
    assert "(log:2)\n" in str(audit)


def test_words_that_the_map_does_not_know() -> None:
    """They are listed by frequency, with an entry of the map that would read them; with that entry they are read."""
    rows: list[Row] = [
        SHOWN,
        *[{**THUMB, "score": word} for word in ("sideways", "👍", "👍")],
        {**THUMB, "event": "stars", "score": 9},
        {**THUMB, "tags": "langweilig; Too-Long; fade"},
        {**THUMB, "score": None},
    ]
    audit = _audit(*rows)
    assert [
        (
            "value",
            "must be a number from -1 to 1, or a word that stands for one, for a signal of kind 'rating'",
        ),
        ("value", "must lie from 1 to 5 for a signal of kind 'stars'"),
        ("tags", f"must be among {', '.join(sorted(PARAMETERS.tags))}"),
        ("value", "is required for a signal of kind 'rating', from -1 to 1"),
    ] == [(refusal.field, refusal.expected) for refusal in audit.refusals]
    assert [{"👍": 2, "sideways": 1}, {"9": 1}, {"langweilig": 1, "fade": 1}, {}] == [
        refusal.words for refusal in audit.refusals
    ]
    said = str(audit)
    assert "Found: “👍” 2, “sideways” 1\n" in said
    assert "--value '👍=NUMBER', or in the map's file, under [values], \"👍\" = NUMBER\n" in said
    assert 'in the map\'s file, under [tags]: "langweilig" = "REASON"\n' in said
    assert all(tag in said for tag in PARAMETERS.tags)
    entries = {
        "values": {"sideways": 0, "👍": 1, "9": 5},
        "tags": {"langweilig": "too_general", "fade": "wrong_tone"},
    }
    lines = [json.dumps(row) for row in rows[:-1]]
    assert audit_log({"log": lines}, make_map(entries).over(MAP), PARAMETERS).ok


def test_a_response_with_a_time_that_would_be_refused() -> None:
    """It could not be recorded, and nothing could be traced to it."""
    audit = _audit({**SHOWN, "ts": "tomorrow"}, {**THUMB, "answer": ""})
    assert (1, ("log:1",), 0) == (audit.mistimed_responses, audit.mistimed_examples, audit.responses)
    assert "Responses that would be refused for their time: 1, such as log:1." in str(audit)
    assert not _audit({**SHOWN, "ts": "tomorrow"}).ok


def test_signals_without_a_time() -> None:
    """Now is taken for theirs: the lines are said where the column has a hole, else that there is no column."""
    timed = {**THUMB, "ts": "2026-01-07T12:00:00Z"}
    audit = _audit(SHOWN, timed, {**THUMB, "ts": ""}, THUMB, *[{**THUMB, "ts": None}] * 2)
    assert (4, ("log:3", "log:4", "log:5"), True) == (audit.undated, audit.undated_examples, audit.ok)
    assert "Signals without a time: 4, such as log:3, log:4, log:5, …." in str(audit)
    assert "as in 2026-01-31T12:00:00Z (column ts)." in str(audit)
    assert "No column holds" not in str(audit)
    assert "Signals without a time" not in str(_audit(SHOWN, timed))
    bare = str(_audit(SHOWN, THUMB))
    assert "No column holds the time of a signal" in bare
    assert "Signals without a time" not in bare


# Files and columns


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_by_its_head(delimiter: str) -> None:
    """Any usual delimiter, quotes, fields of several lines, a short row, a carriage return."""
    text = 'event,uid,answer,score,text\r\nshown,ada,r0\r\nthumb,ada,r0,bad,"one\r\ntwo ""three"""\r\n\r\n'
    audit = _csv(text.replace(",", delimiter))
    assert (2, 1, 1) == (audit.rows, audit.total.reaching, audit.events["thumb"].texts_read)


def test_csv_rows_that_cannot_be_read() -> None:
    """Too many fields, a field without end, bytes that are no UTF-8, a line too long: counted, and the rest goes on."""
    head, good = b"event,uid,answer,score\n", b"thumb,ada,r0,1\n"
    lines: list[Line] = [
        head,
        b"shown,ada,r0,\n",
        b"thumb,ada,r0,1,2\n",
        b"thumb,ada,\xff,1\n",
        Unreadable(field="line", reason="too long"),
        good,
        b'thumb,ada,r0,"' + b"x" * 200_000 + b'"\n',
        good,
        b"\xff\n",
    ]
    audit = audit_log({"log.csv": lines}, MAP, PARAMETERS)
    assert (5, 2) == (audit.unreadable, audit.total.reaching)
    (latin,) = [reason for place, reason in audit.unread_examples if place == "log.csv:4"]
    assert "is not UTF-8; if it is Latin-1, `iconv -f latin1 -t utf-8` makes it so" == latin
    rows: list[Line] = [json.dumps(SHOWN).encode(), b'{"event": "thumb", "uid": "\xff"}']
    assert [("log:2", latin)] == list(audit_log({"log": rows}, MAP, PARAMETERS).unread_examples)
    assert {"thumb": 2} == {event: found.prospect.received for event, found in audit.events.items()}


def test_several_files_with_columns_of_their_own() -> None:
    """Messages and thumbs in two tables: alternatives for a column, and what every row of a file is."""
    export_map = make_map(
        {
            "columns": {"user": ["uid", "author"], "response": ["message_id", "id"], "value": "thumb"},
            "rows": {"messages.csv": "response", "thumbs.csv": "rating"},
            "values": {"0": -1},
        }
    )
    files: dict[str, Iterable[Line]] = {
        "dir/thumbs.csv": ["id,uid,message_id,thumb\n", "1,ada,7,0\n", "2,ada,,1\n"],
        "messages.csv": ["id,author\n", "7,ada\n"],
    }
    audit = audit_log(files, export_map, PARAMETERS)
    assert (1, {"no_response_id": 1}) == (audit.total.reaching, audit.total.reasons)
    assert "rating" == audit.events["thumbs.csv"].kind
    assert {"no_response_id": ("dir/thumbs.csv:3",)} == audit.examples


def test_fields_within_fields() -> None:
    """The properties of an event lie one level down in many logs."""
    export_map = make_map(
        {
            "columns": {
                "user": "user.id",
                "kind": "event",
                "response": "p.answer",
                "value": "p.score",
                "source": "p.at.page",
            }
        }
    )
    rows = [
        {"event": "response", "user": {"id": 5}, "p": {"answer": 7}},
        {"event": "rating", "user": {"id": 5.0}, "p": {"answer": "7", "score": -1, "at": {"page": "home"}}},
        {"event": "rating", "user": "ada", "p": None},
    ]
    audit = audit_log({"log": [json.dumps(row) for row in rows]}, export_map, PARAMETERS)
    assert (1, {"no_user": 1}) == (audit.total.reaching, audit.total.reasons)
    assert ["(unnamed)", "home"] == list(audit.sources)


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("a,b\n1,2\n", {}, "must name the column of log.csv that holds the user, as in user=uid; there are a, b"),
        ("user,b\n1,2\n", {"kind": "event"}, "that holds the kind, as in kind=event; there are user, b"),
        ('{"uid": "ada", "event": "x"}\n', {"user": "uid", "kind": "evnt"}, "kind=event; there are uid, event"),
        ('{"event": "page"}\n', {"user": "uid"}, "that holds the user, as in user=uid; there are event"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit(text: str, columns: dict[str, str], expected: str) -> None:
    """Without users or kinds there is nothing to audit: the error lists the columns that are there."""
    plain = make_map({"columns": columns})
    with pytest.raises(InvalidInputError) as raised:
        audit_log({"log.csv": text.splitlines(keepends=True)}, plain, PARAMETERS)
    assert "map" == raised.value.field
    assert raised.value.expected.endswith(expected)


def test_a_column_that_is_not_there_is_said() -> None:
    """A mistyped name would be lost in silence: it is named first."""
    audit = _csv("uid,event\nada,page\n", {"value": "scor", "response": ["answer", "uid"]})
    assert ("at=ts", "response=answer", "value=scor") == audit.absent
    assert "columns that no row has: at=ts, response=answer, value=scor." in str(audit)
    assert {"user": ("uid",), "kind": ("event",), "response": ("uid",)} == audit.columns
    assert () == _audit(SHOWN, {**THUMB, "ts": None}).absent


def test_an_array_is_no_log() -> None:
    """One JSON array is refused with what would be right; an empty file has no rows."""
    with pytest.raises(InvalidInputError, match="JSON Lines: one object a line, not one array"):
        audit_log({"log.json": ['[{"event": 1}]\n']}, make_map({}), PARAMETERS)
    utf_16 = "event;uid\nthumb;ada\n".encode("utf-16").splitlines(keepends=True)
    for lines in (utf_16, [b"\xff\n"]):
        with pytest.raises(
            InvalidInputError, match=r"log.csv must be text in UTF-8; if it is Latin-1, .iconv"
        ):
            audit_log({"log.csv": lines}, MAP, PARAMETERS)
    for nothing in (["", "\n"], []):
        with pytest.raises(InvalidInputError, match=r"file: must hold rows, as CSV .*; there are none"):
            audit_log({"log.csv": nothing}, make_map({}), PARAMETERS)


def test_csv_that_ends_its_lines_in_another_way() -> None:
    """A head whose lines end in CR alone is refused with what would be right."""
    whole = b"uid,event,answer\rada,shown,r0\rada,thumb,r0\r"
    with pytest.raises(
        InvalidInputError, match=r"log.csv must be CSV whose lines end in LF or CR LF; it has CR"
    ):
        audit_log({"log.csv": [whole]}, MAP, PARAMETERS)


def test_a_quote_that_never_closes_is_found_where_it_opens() -> None:
    """It swallows rows: the account says from which line on, and what comes after them counts."""
    good = b"thumb,ada,r0,1\n"
    lines = [b"event,uid,answer,score\n", b"shown,ada,r0,\n", b'thumb,ada,r0,"1\n', *[good] * 9000]
    audit = audit_log({"log.csv": lines}, MAP, PARAMETERS)
    ((place, reason),) = audit.unread_examples
    assert "a quote that opens in line 3 and never closes reaches down to here" in reason
    assert 3 + 9000 - int(place.rpartition(":")[2]) == audit.total.received


def test_a_column_that_is_there_twice() -> None:
    """Which of two columns of one name is meant nobody can say; where nothing is read from them, they do no harm."""
    text = "event,uid,{0},{0}\nshown,ada,r0,\n"
    with pytest.raises(InvalidInputError, match=r"log.csv must have one column named answer; it has several"):
        _csv(text.format("answer"))
    assert 1 == _csv(text.format("note")).rows


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"colums": {}}, "colums: is not a known field"),
        ({"columns": {"usr": "x"}}, "columns.usr"),
        ({"columns": {"user": []}}, "columns.user"),
        ({"kinds": {"x": {"value": 1}}}, "kinds.x.kind: is required"),
        ({"values": {"up": "one"}}, "values.up"),
        ({"values": {"up": float("nan")}}, "values.up: must be a finite number"),
    ],
)
def test_a_map_is_checked(found: Any, expected: str) -> None:
    """Wrong fields and values are named."""
    with pytest.raises(InvalidInputError) as raised:
        make_map(found)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"kinds": {"x": "thumb"}}, "kinds.x"),
        ({"rows": {"f": "wave"}}, "rows.f"),
        ({"tags": {"x": "y"}}, "tags.x"),
    ],
)
def test_a_map_names_kinds_and_tags_that_there_are(found: Any, field: str) -> None:
    """Those of the parameters in force."""
    with pytest.raises(InvalidInputError) as raised:
        audit_log({}, make_map(found), PARAMETERS)
    assert field == raised.value.field


def test_kinds_of_one_s_own_are_known() -> None:
    """A parameters file may add kinds."""
    kinds = {"goodness": 1.0, "about": ["response"]}
    audit = audit_log(
        {"log": map(json.dumps, [SHOWN, {**THUMB, "event": "wave"}])},
        MAP,
        parameters_with(signals__wave=kinds),
    )
    assert 1 == audit.total.reaching


def test_a_map_from_a_file(tmp_path: Path) -> None:
    """TOML and JSON hold the same; what is neither is said, with the file."""
    thumb = {"kind": "rating", "values": {"up": 1}}
    (tmp_path / "map.toml").write_text(
        'columns.user = "uid"\nkinds.thumb = { kind = "rating", values = { up = 1 } }\n'
    )
    (tmp_path / "map.json").write_text(json.dumps({"columns": {"user": "uid"}, "kinds": {"thumb": thumb}}))
    assert load_map(tmp_path / "map.toml") == load_map(tmp_path / "map.json")
    (tmp_path / "bad.toml").write_text("columns\n")
    for name, expected in (
        ("bad.toml", "is neither TOML nor JSON"),
        ("none.toml", "cannot be read: No such file"),
    ):
        with pytest.raises(InvalidInputError, match=expected):
            load_map(tmp_path / name)


# The whole


def test_no_text_is_kept_and_the_audit_is_plain_json() -> None:
    """What users wrote shows neither in the answer nor in its account, not even where a word is expected."""
    said = {"text": "my secret, which is longer than a word"}
    audit = _audit(SHOWN, {**THUMB, **said}, {**THUMB, **said, "score": said["text"], "tags": [said["text"]]})
    plain = json.dumps(to_json(audit))
    assert json.loads(plain) == to_json(audit)
    assert "secret" not in plain + str(audit)


_rows = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["shown", "thumb", "copy", "up", "page", "nps", "statement", ""]),
        "uid": st.sampled_from(["ada", "bob", "", "a b"]),
        "answer": st.sampled_from(["r0", "r1", "r2", ""]),
        "score": st.sampled_from([1, "bad", "", 9, "x"]),
        "text": st.sampled_from(["", "too long"]),
        "source": st.sampled_from(["", "web", "app"]),
        "ts": st.sampled_from(["", "2026-01-07T12:00:00Z", "2026-02-07T12:00:00Z"]),
    }
)


@settings(max_examples=150)
@given(st.lists(_rows, max_size=30))
def test_counts_add_up(rows: list[Row]) -> None:
    """Each row is one thing, each signal has one fate, and CSV and JSON Lines give the same."""
    audit = _audit(SHOWN, *rows)
    parts = (
        audit.response_rows,
        audit.total.received,
        *audit.unknown.values(),
        audit.left_out,
        audit.unreadable,
    )
    assert audit.rows == sum(parts) == len(rows) + 1
    flows = [found for by_source in audit.flows.values() for found in by_source.values()]
    events = [found.prospect for found in audit.events.values()]
    for group in (events, audit.sources.values(), audit.periods.values(), flows):
        assert audit.total.received == sum(found.received for found in group)
        for found in (audit.total, *group):
            assert found.received == found.reaching + sum(found.reasons.values())
            assert found.received >= found.understood >= found.reaching
    head = list(_HEAD)
    written = ["|".join(head), *("|".join(str(row.get(name, "")) for name in head) for row in (SHOWN, *rows))]
    again = audit_log({"log": [line + "\n" for line in written]}, MAP, PARAMETERS)
    assert (audit.total, audit.sources, audit.periods, audit.unknown) == (
        again.total, again.sources, again.periods, again.unknown
    )  # fmt: skip


_HEAD = ("event", "uid", "answer", "score", "text", "source", "ts")
