from memory.analysis.threads import thread_id, thread_key


def test_a_session_counts_within_its_conversation_and_source():
    one = thread_key("", "chat", {"conversation": "a", "session": 1})
    assert one == thread_key("", "chat", {"session": 1, "conversation": "a", "speaker": "x"})
    others = [
        ("mail", {"conversation": "a", "session": 1}),
        ("chat", {"conversation": "b", "session": 1}),
        ("chat", {"session": 1}),
    ]
    assert one not in {thread_key("", source, metadata) for source, metadata in others}


def test_explicit_thread_takes_precedence():
    assert thread_key("minutes", "chat", {"session": 1}) == thread_key("minutes", "chat", {"session": 2})


def test_no_name_means_no_thread():
    assert thread_key("", "chat", {"session": None, "thread": "", "document": ["x"], "meeting": True}) == ""
    assert thread_id("") is None


def test_thread_numbers_are_stable_bigints():
    numbers = {thread_id(f"thread {number}") for number in range(1_000)}
    assert len(numbers) == 1_000
    assert all(-(2**63) <= number < 2**63 for number in numbers)
    assert thread_id("a") == 4681665781835383343
