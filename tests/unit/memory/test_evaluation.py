from memory.evaluation.locomo import read_conversations
from memory.evaluation.measures import recall_at, reciprocal_rank

SAMPLE = {
    "sample_id": "s",
    "conversation": {
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "Later", "blip_caption": "a boat"}],
        "session_2_date_time": "May",
        "session_1": [
            {"speaker": "An", "dia_id": "D1:1", "text": "Hi"},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Ho"},
        ],
        "session_1_date_time": "April",
    },
    "qa": [
        {"question": "Who?", "category": 1, "evidence": ["D1:2", "nowhere"]},
        {"question": "Trick", "category": 5, "evidence": ["D1:1"]},
        {"question": "Without", "category": 2, "evidence": []},
        {"question": "Malformed", "category": 2, "evidence": ["D:1"]},
    ],
}


def test_turns_become_memories_in_session_order():
    (conversation,) = read_conversations([SAMPLE])
    assert [draft.external_id for draft in conversation.drafts] == ["D1:1", "D1:2", "D2:1"]
    last = conversation.drafts[-1]
    assert last.content == "Bo: Later [shares a boat]"
    assert last.metadata == {"speaker": "Bo", "session": 2, "date": "May", "dia_id": "D2:1"}


def test_links_follow_within_a_session_only():
    (conversation,) = read_conversations([SAMPLE])
    assert [[link.external_id for link in draft.links] for draft in conversation.drafts] == [[], ["D1:1"], []]


def test_only_answerable_questions_are_asked():
    (conversation,) = read_conversations([SAMPLE])
    assert [(each.text, each.evidence) for each in conversation.questions] == [("Who?", frozenset({"D1:2"}))]


def test_measures():
    assert recall_at(["a", "b", "c"], {"b", "z"}, 2) == 0.5
    assert recall_at(["a", "b", "c"], {"c"}, 2) == 0
    assert reciprocal_rank(["a", "b"], {"b"}) == 0.5
    assert reciprocal_rank(["a"], {"b"}) == 0
