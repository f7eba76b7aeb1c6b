"""What is a leak, and what only looks like one."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from evalkit.dataset.conversation import Conversation, conversation
from evalkit.dataset.leaks import leaks, says_other_words

CITIES = [
    "Oslo",
    "Rome",
    "Lima",
    "Cairo",
    "Quito",
    "Paris",
    "Accra",
    "Delhi",
    "Sofia",
    "Seoul",
    "Dakar",
    "Kyiv",
]


def asked(*texts: str, answer: str = "yes", system: str | None = None) -> Conversation:
    """A conversation of so many turns."""
    turns = [{"role": "system", "content": system}] if system else []
    for text in texts:
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return conversation({"messages": turns})


def leaked(examples: list[Conversation], case: Conversation) -> dict[str, Any] | None:
    """The leak of the only case, if it is one."""
    found = leaks(examples, {"c": case})
    if not found:
        return None
    (leak,) = found
    return {"part": leak.part, "example": leak.example, "examples": leak.examples, "alike": leak.similarity}


@pytest.mark.parametrize(
    "learned",
    [
        "What is the capital of Norway?",
        "what is  the capital of norway",
        "WHAT IS THE CAPITAL OF NORWAY?!",
        "What is the capitol of Norway",
        "What is the capital of Norway, please?",
    ],
)
def test_the_same_question_is_a_leak_however_it_is_written(learned: str) -> None:
    """Case, spaces, punctuation, a slip of the pen or a `please` hide nothing, nor does the answer."""
    found = leaked([asked("Who?"), asked(learned, answer="Oslo")], asked("What is the capital of Norway?"))
    assert found is not None
    assert (found["part"], found["example"]) == ("question", 1)


@pytest.mark.parametrize(
    "learned",
    [
        "What is the capital of Sweden?",
        "What is the currency of Norway?",
        "What is 17 plus 25 minus 3 times 2 in the system of tens?",
        "yes",
    ],
)
def test_another_question_is_no_leak_however_alike(learned: str) -> None:
    """One word that matters makes it another question."""
    assert leaked([asked(learned)], asked("What is the capital of Norway?")) is None
    assert (
        leaked([asked(learned)], asked("What is 17 plus 26 minus 3 times 2 in the system of tens?")) is None
    )


def test_a_question_is_found_in_the_midst_of_a_conversation() -> None:
    """It need not be all that the example asks; a case of two turns is looked for in two turns."""
    long = asked("Hello there!", "What is the capital of Norway?", "And its currency?", "Thanks a lot.")
    assert leaked([long], asked("What is the capital of Norway?"))
    assert leaked([long], asked("What is the capital of Norway?", "And its currency?"))
    assert leaked([long], asked("And its currency?", "What is the capital of Norway?", "So?")) is None


def test_a_long_system_message_makes_nothing_alike() -> None:
    """System messages are left out on both sides."""
    system = "You are a most helpful assistant who knows every capital. " * 20
    assert leaked([asked("Norway?", system=system)], asked("Peru?", system=system)) is None
    assert leaked([asked("Peru?")], asked("Peru?", system=system))


def test_a_template_makes_nothing_alike() -> None:
    """What stands around every question is no part of it, in the cases as in the training data."""
    around = (
        "Answer the question in one word and mind the spelling of names. Question: which river is in {}? Go."
    )
    examples = [asked(around.format(city)) for city in CITIES]
    assert leaks(examples, {city: asked(around.format(city[::-1])) for city in CITIES}) == ()
    found = leaks(examples, {city: asked(around.format(city)) for city in CITIES[:3]})
    assert [leak.case for leak in found] == CITIES[:3]


def test_a_text_that_most_cases_share_is_no_question() -> None:
    """Where the user always says `Summarise.`, what is asked stands elsewhere."""
    assert leaks([asked("Summarise.")], {str(i): asked("Summarise.") for i in range(8)}) == ()


def test_a_long_answer_is_a_leak_and_a_short_one_is_not() -> None:
    """Two cases may both be `billing`; nobody writes the same long answer to two questions by chance."""
    poem = "Roses are red, violets are blue, the server is down and the pager rings too, so who is on duty?"
    assert leaked([asked("Rhyme!", answer=poem)], asked("Write me a poem.", answer=poem.upper())) == {
        "part": "answer", "example": 0, "examples": 1, "alike": 1.0,
    }  # fmt: skip
    assert leaked([asked("What?", answer="billing")], asked("Where?", answer="billing")) is None


def test_the_nearest_example_is_told_and_how_many_there_are() -> None:
    """A case has one leak: its question's before its answer's, with the best similarity."""
    near, same = "Please, what is the capital of Norway?", "What is the capital of Norway?"
    found = leaked([asked(near), asked(same), asked(same), asked("Who?")], asked(same))
    assert found == {"part": "question", "example": 1, "examples": 3, "alike": 1.0}


def test_words_that_are_added_are_no_exchange() -> None:
    """Only words that stand in place of others make another text; spelling counts for letters alone."""
    assert not says_other_words("the capital of Norway", "so what is the capital of Norway")
    assert not says_other_words("the capital of Norway", "the capitol of Norway")
    assert says_other_words("order 12345 is late", "order 12346 is late")
    assert says_other_words("the capital of Chad", "the capital of Cuba")


def test_planted_leaks_are_found_among_many() -> None:
    """Of two hundred examples, the thirty that were made from cases are found, and no other."""
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghiklmnoprstu", k=6)) for _ in range(400)]
    questions = [" ".join(rng.sample(words, 12)) for _ in range(330)]
    cases = {str(i): asked(question) for i, question in enumerate(questions[:130])}
    planted = [asked(f"Well, {questions[i].upper()}?!") for i in range(30)]
    examples = [*map(asked, questions[130:]), *planted]
    assert [leak.case for leak in leaks(examples, cases)] == [str(i) for i in range(30)]


def test_long_texts_are_compared_in_time() -> None:
    """Ten thousand different words on each side are counted, not paired."""
    long = [" ".join(f"word{side}{number}" for number in range(10_000)) for side in "ab"]
    started = time.process_time()
    assert says_other_words(*long)
    assert time.process_time() - started < 1
