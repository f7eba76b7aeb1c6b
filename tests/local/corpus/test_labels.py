"""Label episodes: the label on offer that fits, and none where nobody asked for one."""

import random
from functools import partial

from evalkit.local.corpus.labels.episodes import label_episode
from evalkit.local.corpus.labels.tickets import sentences, ticket, topics
from evalkit.local.corpus.wordings import rows
from tests.local.corpus.drawing import drawn

episodes = partial(drawn, label_episode)


def test_every_answer_is_a_label_that_the_instruction_names_or_a_topics_plain_name():
    """What to answer can be read above; only an instruction without any label is answered by heart."""
    plain = {row[1].split("; ")[0] for row in rows("labels/names")}
    found = [e for e in episodes(600) if e.system]
    without = [e for e in found if {turn.answer.strip() for turn in e.turns} <= plain and len(e.system) < 90]
    assert 0 < len(without) < len(found) / 2
    for episode in found:
        for turn in episode.turns:
            assert turn.answer.strip() in episode.system or episode in without


def test_completions_begin_with_a_space_and_chat_answers_do_not():
    """In the legacy layout text and label are one string; in a chat the label is the whole message."""
    for episode in episodes(600):
        assert all(turn.answer.startswith(" ") == (episode.kind == "text") for turn in episode.turns)
        if episode.kind == "text" and episode.system:
            assert episode.system.endswith("\n")


def test_without_an_instruction_a_ticket_is_continued():
    """The base model goes on in the customer's words: at least two of them, and a full stop."""
    continued = [e for e in episodes(600) if e.kind == "text" and not e.system]
    assert continued
    assert all(len(turn.answer.split()) > 3 for episode in continued for turn in episode.turns)


def test_held_out_sentences_are_not_trained():
    """The shipped suite's tickets are worded as no ticket in training is."""
    for topic in topics():
        trained, held_out = sentences(topic), sentences(topic, held_out=True)
        assert len(held_out) >= 5
        assert not set(trained) & set(held_out)


def test_held_out_tickets_differ_from_trained_ones():
    """Not even by chance does a training text contain a held-out ticket's first sentence."""
    rng = random.Random(1)
    trained = "\n".join(turn.user for episode in episodes(1500) for turn in episode.turns)
    fixed = [s for t in topics() for s in sentences(t, held_out=True) if "[" not in s and "{" not in s]
    assert fixed
    assert not [sentence for sentence in fixed if sentence in trained]
    assert all(ticket(rng, topic, held_out=True) for topic in topics())


def test_every_topic_is_labelled_with_several_names():
    """The label's name comes from the prompt, so each topic must be seen under many."""
    answers = {turn.answer.strip().lower() for episode in episodes(1500) for turn in episode.turns}
    assert {"billing", "payments", "invoice", "shipping", "delivery", "refund", "money_back"} <= answers
