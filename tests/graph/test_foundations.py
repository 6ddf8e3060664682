"""Ids, normal forms, times and named blocks."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.clock import from_us, to_us, utc_now
from beliefgraph.graph.ids import derived_id, fingerprint, fresh_id, normal_form

moments = st.integers(0, 2**50 - 1)


class TestFreshIds:
    """Ids made by us."""

    @given(moments, moments)
    def test_the_order_of_text_is_the_order_of_time(self, first: int, second: int) -> None:
        """Ids of different microseconds sort like them."""
        if first != second:
            assert (first < second) == (fresh_id("b", first) < fresh_id("b", second))

    def test_the_present_fits(self) -> None:
        """Ids of this century keep their order and their length."""
        days = [to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in range(2000, 2005)]
        ids = [fresh_id("s", day) for day in days]
        assert sorted(ids) == ids
        assert {len("s_") + 23} == {len(id) for id in ids}

    def test_one_moment_makes_many(self) -> None:
        """Ids of one microsecond differ."""
        assert 10_000 == len({fresh_id("r", 1) for _ in range(10_000)})

    @given(st.lists(st.text(alphabet="ab"), max_size=3), st.lists(st.text(alphabet="ab"), max_size=3))
    def test_derived_ids_are_equal_for_equal_parts_only(self, first: list[str], second: list[str]) -> None:
        """The same parts give the same id, parts cut elsewhere another."""
        same = [*first] == [*second] or "\0".join(first) == "\0".join(second)
        assert same == (derived_id("c", *first) == derived_id("c", *second))

    def test_a_fingerprint_does_not_hang_on_order(self) -> None:
        """Equal content in any order of names has one fingerprint, other content another."""
        assert fingerprint({"a": 1, "b": ["x", "y"]}) == fingerprint({"b": ["x", "y"], "a": 1})
        assert fingerprint({"a": 1, "b": ["x", "y"]}) != fingerprint({"a": 1, "b": ["y", "x"]})


class TestNormalForms:
    """When two statements are the same text."""

    @pytest.mark.parametrize(
        "variant",
        ["Likes tea", "likes  TEA.", "  likes\ttea!! ", "Ｌｉｋｅｓ tea", "likes tea…", "LIKES\nTEA ."],
    )
    def test_case_width_space_and_closing_marks_do_not_count(self, variant: str) -> None:
        """Variants of one text have one normal form."""
        assert "likes tea" == normal_form(variant)

    @pytest.mark.parametrize("other", ["likes teas", "dislikes tea", "likes tea?", "likes, tea", "likes-tea"])
    def test_other_texts_stay_other(self, other: str) -> None:
        """A question, another word or another mark inside is another text."""
        assert normal_form("likes tea") != normal_form(other)

    @pytest.mark.parametrize("marks", ["...", "!", ". . !", "…"])
    def test_a_text_of_marks_alone_keeps_them(self, marks: str) -> None:
        """A normal form is never empty where the text is not."""
        assert "" != normal_form(marks)

    @given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=20))
    def test_a_normal_form_is_its_own(self, text: str) -> None:
        """Taken twice, it is what it was."""
        assert normal_form(text) == normal_form(normal_form(text))


class TestClock:
    """Microseconds and datetimes."""

    @given(st.integers(-(10**15), 10**16))
    def test_microseconds_survive(self, microseconds: int) -> None:
        """Every microsecond comes back exactly, before 1970 too."""
        assert microseconds == to_us(from_us(microseconds))

    @given(st.datetimes(timezones=st.timezones()))
    def test_a_moment_is_the_same_in_every_zone(self, moment: datetime) -> None:
        """What comes back is the same moment, in UTC."""
        there = from_us(to_us(moment))
        assert moment.astimezone(UTC) == there
        assert UTC is there.tzinfo

    def test_an_offset_counts(self) -> None:
        """Noon at +02:00 is ten o'clock UTC."""
        noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
        assert to_us(datetime(2026, 1, 1, 10, tzinfo=UTC)) == to_us(noon)

    def test_a_naive_time_is_refused(self) -> None:
        """A time without a zone has no place here."""
        with pytest.raises(TypeError):
            to_us(datetime(2026, 1, 1))  # noqa: DTZ001

    def test_now_is_aware(self) -> None:
        """The clock of the machine says its zone."""
        assert timedelta(0) == utc_now().utcoffset()


class TestBlocks:
    """Named blocks of query files."""

    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return the folder of a package that can be imported."""
        folder = tmp_path / f"package_{tmp_path.name}"
        folder.mkdir()
        (folder / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        return folder

    def test_blocks_come_in_order(self, package: Path) -> None:
        """A name starts a block, the next name ends it; what stands before the first is left out."""
        (package / "q.sql").write_text(
            "-- About\n\n-- name: b two\nSELECT 1\n-- note\n\n// name: a\nMATCH (n)\n\n"
        )
        blocks = load_blocks(package.name, "q.sql")
        assert [("b two", "SELECT 1\n-- note"), ("a", "MATCH (n)")] == list(blocks.items())

    def test_a_name_twice_is_refused(self, package: Path) -> None:
        """Two blocks of one name are a mistake of ours, found when the file is loaded."""
        (package / "q.sql").write_text("-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n")
        with pytest.raises(ValueError, match="names a block twice"):
            load_blocks(package.name, "q.sql")

    @pytest.mark.parametrize("file", ["queries.sql", "schema.sql"])
    def test_the_files_of_the_store_load(self, file: str) -> None:
        """The store's own files have blocks, none of them empty."""
        blocks = load_blocks("beliefgraph.graph.sqlite", file)
        assert blocks
        assert all(blocks.values())
