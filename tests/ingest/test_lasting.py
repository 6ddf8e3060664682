"""Which parts of a text are statements of their own: each with the circumstances and the reasons it was said under."""

import pytest

from beliefgraph.ingest.lasting import parts_of
from beliefgraph.ingest.parameters import load_parameters
from tests.worlds import open_world


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # one statement, or none
        ("Prefers short answers", ["Prefers short answers"]),
        ("My name is Ann", ["My name is Ann"]),
        ("thanks", ["thanks"]),
        ("Uses Linux and drives a van", ["Uses Linux and drives a van"]),
        ("I cook at home and hate waste", ["I cook at home and hate waste"]),
        # statements beside each other
        ("I'm a nurse and I have three kids", ["I'm a nurse", "I have three kids"]),
        ("I live in Oslo. I have two cats.", ["I live in Oslo.", "I have two cats."]),
        ("I'm vegan and I work nights, thanks!", ["I'm vegan", "I work nights", "thanks!"]),
        (
            "I'm a nurse, I have three kids and I live in Leeds",
            ["I'm a nurse", "I have three kids", "I live in Leeds"],
        ),
        ("I'm vegan; I work nights", ["I'm vegan", "I work nights"]),
        ("I'm vegan;I work nights", ["I'm vegan", "I work nights"]),
        ("I'm vegan ;) thanks", ["I'm vegan ;)", "thanks"]),
        ("my dog is called Rex plus I have a cat", ["my dog is called Rex", "I have a cat"]),
        ("Stop using emojis, keep it short, please", ["Stop using emojis", "keep it short", "please"]),
        ("From now on keep it short and never use emojis", ["From now on keep it short", "never use emojis"]),
        ("I live in Oslo, in Norway, and I have two cats", ["I live in Oslo, in Norway", "I have two cats"]),
        # a remark beside a statement
        ("Hi, I'm Ann and I love dogs", ["Hi", "I'm Ann", "I love dogs"]),
        ("Great answer, but I prefer bullets", ["Great answer", "I prefer bullets"]),
        ("This is wrong, I'm vegan", ["This is wrong", "I'm vegan"]),
        ("Thanks. Please use metric units", ["Thanks.", "Please use metric units"]),
        # what names nobody, beside what she says of herself
        ("I drink tea with milk and no sugar", ["I drink tea with milk and no sugar"]),
        ("Honestly I drink tea with milk, no sugar", ["Honestly I drink tea with milk, no sugar"]),
        ("Drinks tea with milk and no sugar", ["Drinks tea with milk and no sugar"]),
        ("Use bullets and no emojis", ["Use bullets and no emojis"]),
        ("I like bread but never cheese", ["I like bread but never cheese"]),
        ("I like pizza, but never with cheese", ["I like pizza, but never with cheese"]),
        ("I'm free all week and not on Mondays", ["I'm free all week and not on Mondays"]),
        ("I drink coffee or tea", ["I drink coffee or tea"]),
        ("I play chess, always white", ["I play chess, always white"]),
        ("I work late and never sleep", ["I work late and never sleep"]),
        ("I smoke, but don't drink", ["I smoke, but don't drink"]),
        ("I work at a bank and use Python", ["I work at a bank and use Python"]),
        ("I live with my wife, my two kids and my dog", ["I live with my wife, my two kids and my dog"]),
        ("My wife and I are vegan", ["My wife and I are vegan"]),
        # what asks by itself, or names somebody
        ("no emojis please", ["no emojis", "please"]),
        ("This is wrong, no emojis please", ["This is wrong", "no emojis", "please"]),
        ("This is not what I asked for, no emojis", ["This is not what I asked for", "no emojis"]),
        ("I drink tea with milk and please no sugar", ["I drink tea with milk", "please no sugar"]),
        ("I'm a nurse, keep it short", ["I'm a nurse", "keep it short"]),
        ("I'm Robert but call me Bob", ["I'm Robert", "call me Bob"]),
        ("I'm Ann and my kids aren't vegan", ["I'm Ann", "my kids aren't vegan"]),
        (
            "I take tea with milk and no sugar, but I drink coffee black",
            ["I take tea with milk and no sugar", "I drink coffee black"],
        ),
        # circumstances at the beginning
        ("When I'm at work, I prefer a formal tone", ["When I'm at work, I prefer a formal tone"]),
        ("On holiday, I drink coffee", ["On holiday, I drink coffee"]),
        ("For work emails, use a formal tone", ["For work emails, use a formal tone"]),
        ("After 9pm, never call me", ["After 9pm, never call me"]),
        ("If it is about cooking, use metric units", ["If it is about cooking, use metric units"]),
        ("- At work, I use Linux", ["- At work, I use Linux"]),
        ("Hi, when I'm at work, I prefer a formal tone", ["Hi, when I'm at work, I prefer a formal tone"]),
        ("At work I use Linux, and I use no mouse", ["At work I use Linux, and I use no mouse"]),
        (
            "On weekdays, I get up at six and I skip breakfast, but I sleep in on Saturdays",
            ["On weekdays, I get up at six and I skip breakfast", "I sleep in on Saturdays"],
        ),
        ("When I travel and I'm tired, I drink coffee", ["When I travel and I'm tired, I drink coffee"]),
        (
            "If I ask for code but I name no language, use Python",
            ["If I ask for code but I name no language, use Python"],
        ),
        ("At home, when I'm tired, I drink coffee", ["At home, when I'm tired, I drink coffee"]),
        # circumstances further on
        (
            "I'm vegetarian, but when I'm at my gran's, I eat what she cooks",
            ["I'm vegetarian", "when I'm at my gran's, I eat what she cooks"],
        ),
        ("I'm vegan and on holiday, I eat fish", ["I'm vegan", "on holiday, I eat fish"]),
        ("I'm vegan, but when I travel I eat fish", ["I'm vegan, but when I travel I eat fish"]),
        ("I'm vegetarian, when I travel, I eat meat", ["I'm vegetarian, when I travel, I eat meat"]),
        ("I like tea, but with milk, and I have a dog", ["I like tea, but with milk", "I have a dog"]),
        ("I drink coffee, never after six", ["I drink coffee, never after six"]),
        # circumstances at the end
        ("Use a formal tone, when it is for work", ["Use a formal tone, when it is for work"]),
        (
            "Use a formal tone when it is for work, and keep emails short",
            ["Use a formal tone when it is for work", "keep emails short"],
        ),
        (
            "Use a formal tone, if it is for work, never emojis",
            ["Use a formal tone, if it is for work, never emojis"],
        ),
        (
            "I drink coffee when I'm tired and I have work to do",
            ["I drink coffee when I'm tired and I have work to do"],
        ),
        ("I drink coffee at work and when I'm tired", ["I drink coffee at work and when I'm tired"]),
        # reasons and what follows from them
        ("I work nights because I'm a nurse", ["I work nights because I'm a nurse"]),
        (
            "I avoid gluten, because I'm celiac and I get ill",
            ["I avoid gluten, because I'm celiac and I get ill"],
        ),
        (
            "I work nights because I'm a nurse, and I have three kids",
            ["I work nights because I'm a nurse", "I have three kids"],
        ),
        ("Because I'm a nurse, I work nights", ["Because I'm a nurse, I work nights"]),
        ("Since I moved to Berlin, I speak German", ["Since I moved to Berlin, I speak German"]),
        ("Although I'm vegetarian, I eat fish", ["Although I'm vegetarian, I eat fish"]),
        ("I'm celiac, so I avoid gluten", ["I'm celiac, so I avoid gluten"]),
        ("I have a deadline tomorrow, so keep it short", ["I have a deadline tomorrow, so keep it short"]),
        # times
        ("Today, I want short answers", ["Today, I want short answers"]),
        ("Lately, I work nights, but I hate it", ["Lately, I work nights", "I hate it"]),
        ("Now I work nights, and I have a dog", ["Now I work nights", "I have a dog"]),
    ],
)
def test_a_text_is_cut_into_its_statements(text: str, parts: list[str]) -> None:
    """Sentences and clauses that begin anew with the speaker are parts; what holds under something stays with it."""
    assert parts == parts_of(text, load_parameters().text.circumstances)


def test_without_circumstances_a_text_is_cut_all_the_same() -> None:
    """Parameters that list no circumstances take none for granted; reasons still stay with what they are for."""
    assert ["At work", "I use Linux"] == parts_of("At work, I use Linux", [])
    assert ["Because I'm ill, I rest"] == parts_of("Because I'm ill, I rest", [])


@pytest.mark.parametrize("kind", ["statement", "rating"])
def test_what_is_said_of_some_circumstances_is_not_believed_of_all(kind: str) -> None:
    """A belief has the circumstances in its words, and a part of the text without them is none."""
    said = "I'm vegetarian, but when I'm at my gran's, I always eat meat"
    with open_world() as world:
        world.ada.signal(kind, 1 if kind == "rating" else None, text=said)
        held = [belief.statement for belief in world.ada.beliefs()]
        assert ["when I'm at my gran's, I always eat meat", "I'm vegetarian"] == held
