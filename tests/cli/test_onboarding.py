"""Users who are new, by the command line: questions and their answers, and base rates among those who consent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cli.shell import Shell

BANK = """
name: tea
beliefs:
  tea: Prefers tea over coffee
  sweet: Takes sugar
questions:
  drink:
    ask: Tea or coffee?
    answers:
      tea: {say: Tea, speaks: {tea: 0.9}}
      coffee: {say: Coffee, speaks: {tea: 0.1}}
  sugar:
    ask: Sugar?
    answers:
      yes: {say: Two spoons, speaks: {sweet: 0.9}}
      no: {say: None for me, speaks: {sweet: 0.1}}
"""
TEA = "Prefers tea over coffee"
PRIVATE = "wears a red hat to work"


@pytest.fixture
def bank(shell: Shell) -> str:
    """Return the path of a bank of two questions."""
    return shell.write("tea.yaml", BANK)


def confidences(shell: Shell, user: str) -> dict[str, float]:
    """Return how sure we are of each statement about a user."""
    return {each["statement"]: each["confidence"] for each in shell.json("beliefs", user)}


class TestQuestions:
    """`onboard`, in a pipe."""

    def test_an_answer_is_recorded_and_the_next_question_printed(self, shell: Shell, bank: str) -> None:
        """Asked, answered, asked the other, nothing left: each step says where it stands, in words and in JSON."""
        first = shell.json("onboard", "eve", "--bank", bank)
        assert ("tea", "drink", {}) == (first["bank"], first["question"]["id"], first["answered"])
        assert ["tea", "coffee"] == [each["id"] for each in first["question"]["answers"]]
        printed = shell.run("onboard", "eve", "--bank", bank, "--answer", "drink=tea").stdout
        assert ("1 belief moved" in printed, "sugar: Sugar?" in printed) == (True, True)
        last = shell.json("onboard", "eve", "--bank", bank, "--answer", "sugar=no")
        assert (None, "asked", {"drink": "tea", "sugar": "no"}) == (
            last["question"],
            last["stopped"],
            last["answered"],
        )
        assert pytest.approx({TEA: 0.9, "Takes sugar": 0.1}, abs=1e-6) == confidences(shell, "eve")
        assert (
            "nothing to ask: every question was asked" in shell.run("onboard", "eve", "--bank", bank).stdout
        )

    def test_an_answer_again_changes_nothing_and_another_takes_its_place(
        self, shell: Shell, bank: str
    ) -> None:
        """The same answer twice is one signal; a changed mind is a second, and its answer alone counts."""
        for _ in range(2):
            shell.run("onboard", "eve", "--bank", bank, "--answer", "drink=tea")
        assert 1 == len(shell.json("signals", "eve"))
        step = shell.json("onboard", "eve", "--bank", bank, "--answer", "drink=coffee")
        assert ({"drink": "coffee"}, 2) == (step["answered"], len(shell.json("signals", "eve")))
        assert pytest.approx(0.1, abs=1e-6) == confidences(shell, "eve")[TEA]

    def test_a_skip_moves_nothing_and_is_not_asked_again(self, shell: Shell, bank: str) -> None:
        """A question that was passed over is on record, and the other one is next."""
        step = shell.json("onboard", "eve", "--bank", bank, "--skip", "drink")
        assert (["drink"], "sugar") == (step["skipped"], step["question"]["id"])
        assert {} == confidences(shell, "eve")

    @pytest.mark.parametrize("source", ["file", "-"])
    def test_answers_come_as_json_too(self, shell: Shell, bank: str, source: str) -> None:
        """From a file or standard input, null for a skip, together with those in the command."""
        answers = json.dumps({"drink": "tea", "sugar": None})
        place = shell.write("answers.json", answers) if source == "file" else source
        step = shell.json("onboard", "eve", "--bank", bank, "--answers", place, stdin=answers)
        assert ({"drink": "tea"}, ["sugar"]) == (step["answered"], step["skipped"])
        twice = shell.run(
            "onboard",
            "eve",
            "--bank",
            bank,
            "--answers",
            place,
            "--answer",
            "drink=tea",
            stdin=answers,
            status=2,
        )
        assert "drink is there twice" in twice.stderr

    @pytest.mark.parametrize(
        ("words", "named"),
        [
            (("--answer", "age=12"), "must name questions of the bank tea"),
            (("--answer", "drink"), "answer: must be question=answer, as in length=short"),
            (("--answers", "none.json"), "answers: none.json cannot be read: No such file"),
            (("--answer", "drink=milk"), "answers.drink: must be one of tea, coffee"),
            (("--skip", "age"), "must name questions of the bank tea"),
        ],
    )
    def test_what_the_bank_does_not_have(
        self, shell: Shell, bank: str, words: tuple[str, ...], named: str
    ) -> None:
        """An unknown question or answer is named, and nothing is recorded."""
        assert named in shell.error("onboard", "eve", "--bank", bank, *words)
        assert [] == shell.json("users")

    @pytest.mark.parametrize("content", ["[1]", "{", '{"drink": 1}'])
    def test_answers_that_are_not_answers(self, shell: Shell, bank: str, content: str) -> None:
        """A file that holds no answers is wrong use."""
        place = shell.write("answers.json", content)
        assert (
            "must be JSON" in shell.run("onboard", "eve", "--bank", bank, "--answers", place, status=2).stderr
        )

    def test_a_bank_with_a_mistake(self, shell: Shell) -> None:
        """The file, the line and the field are named."""
        place = shell.write("wrong.yaml", BANK.replace("tea: 0.9", "tee: 0.9"))
        assert "is not among the beliefs" in shell.error("onboard", "eve", "--bank", place)


def events(user: str, *, tea: bool, consent: float | None) -> Iterator[Mapping[str, object]]:
    """Yield one user: what she believes, a secret of hers, whether she confirms the tea, and her consent."""
    yield {"type": "belief", "user": user, "id": "tea", "statement": TEA, "source": "imported"}
    yield {"type": "belief", "user": user, "id": "secret", "statement": f"{PRIVATE} {user}"}
    kind = "confirm" if tea else "deny"
    yield {"type": "signal", "user": user, "id": "word", "belief": "tea", "kind": kind}
    if consent is not None:
        yield {"type": "signal", "user": user, "id": "consent", "kind": "consent", "value": consent}


def ingest(
    shell: Shell, count: int, *, tea: bool = True, consent: float | None = 1.0, name: str = "u"
) -> None:
    """Let so many users be known."""
    lines = [
        json.dumps(event)
        for number in range(count)
        for event in events(f"{name}{number:02}", tea=tea, consent=consent)
    ]
    shell.run("ingest", shell.write(f"{name}.jsonl", "\n".join(lines)))


class TestAggregates:
    """`prior`: what of many users may move another's beliefs, and what never does."""

    def test_of_a_small_group_nothing_is_said(self, shell: Shell, bank: str) -> None:
        """Nineteen who consent tell nothing; the twentieth makes a group, counted in tens, above one half."""
        ingest(shell, 19)
        assert ([], {}) == _told(shell.json("prior", "--bank", bank))
        assert "no statement has 20 users" in shell.run("prior", "--bank", bank).stdout
        ingest(shell, 20)
        (topic,), kinds = _told(shell.json("prior", "--bank", bank))
        assert (TEA, 20) == (topic["statement"], topic["users"])
        assert 0.5 < topic["rate"] < 1.0
        assert ["preference"] == list(kinds)

    def test_only_consent_counts(self, shell: Shell, bank: str) -> None:
        """Whoever was never asked, refused or took consent back is not counted, whatever they told."""
        ingest(shell, 20)
        before = _told(shell.json("prior", "--bank", bank))
        ingest(shell, 30, tea=False, consent=None, name="unasked")
        ingest(shell, 30, tea=False, consent=0.0, name="refused")
        assert before == _told(shell.json("prior", "--bank", bank))
        shell.run("signal", "u00", "consent", "0")
        assert ([], {}) == _told(shell.json("prior", "--bank", bank))

    def test_no_text_of_a_user_is_in_the_file(self, shell: Shell, bank: str) -> None:
        """The file holds the bank's statements; what users believe besides, and who they are, is not there."""
        ingest(shell, 20)
        place = shell.folder / "prior.json"
        shell.run("prior", "--bank", bank, "--out", str(place))
        written = place.read_text()
        assert (True, False, False) == (TEA in written, PRIVATE in written, "u07" in written)

    def test_one_user_counts_once(self, shell: Shell, bank: str) -> None:
        """Twenty confirmations by one user are one voice: alone she is no group, and among others she moves no more."""
        ingest(shell, 20)
        before = _told(shell.json("prior", "--bank", bank))
        for _ in range(20):
            shell.run("signal", "u00", "confirm", "--belief", "tea")
        assert before == _told(shell.json("prior", "--bank", bank))

    def test_a_file_that_is_out_of_date_is_found(self, shell: Shell, bank: str) -> None:
        """`--check` says whether the counts still hold, by its exit status too."""
        ingest(shell, 20)
        place = str(shell.folder / "prior.json")
        shell.run("prior", "--bank", bank, "--out", place)
        assert "up to date" in shell.run("prior", "--bank", bank, "--check", place).stdout
        ingest(shell, 20, tea=False, name="v")
        assert "out of date" in shell.run("prior", "--bank", bank, "--check", place, status=1).stdout
        assert (
            "cannot be given together"
            in shell.run("prior", "--bank", bank, "--check", place, "--out", place, status=2).stderr
        )

    def test_signals_of_others_move_nothing_but_through_the_file(
        self, shell: Shell, bank: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What others said leaves a user as she is; with the file, a *new* belief is born at their rate, no old one."""
        shell.run("believe", "eve", TEA, "--source", "imported", "--id", "old")
        alone = confidences(shell, "eve")[TEA]
        ingest(shell, 25)
        assert alone == pytest.approx(confidences(shell, "eve")[TEA], abs=1e-6)
        shell.run("believe", "zoe", TEA, "--source", "imported")
        assert alone == pytest.approx(confidences(shell, "zoe")[TEA], abs=1e-6)
        place = str(shell.folder / "prior.json")
        shell.run("prior", "--bank", bank, "--out", place)
        rate = json.loads((shell.folder / "prior.json").read_text())["topics"][0]["rate"]
        monkeypatch.setenv("BELIEFGRAPH_POPULATION", place)
        shell.run("believe", "ann", TEA, "--source", "imported")
        assert alone == pytest.approx(confidences(shell, "eve")[TEA], abs=1e-6)
        assert rate > 0.5 and confidences(shell, "ann")[TEA] > alone + 0.01
        said = shell.run("explain", "ann", shell.json("beliefs", "ann")[0]["id"]).stdout
        assert "the base rate among 20 consenting users" in said


def _told(population: Any) -> tuple[Any, Any]:
    return population["topics"], population["kinds"]
