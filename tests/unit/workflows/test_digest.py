from workflows.marketing.digest import MAX_HEADLINE, compose, headline


def memory(name, content, memory_type="insight", contradicts=()):
    return {"id": name, "content": content, "memory_type": memory_type, "contradicts": list(contradicts)}


def hit(name, content, score):
    return {"id": name, "content": content, "score": score}


def test_digest_shows_each_memory_with_prior_knowledge_and_sources():
    made = compose(
        title="Weekly",
        memories=[
            memory("n1", "Rain lifts sales of boots. More so in the north.", "insight"),
            memory("n2", "Boots were cheaper.", "model_run", contradicts=["o2"]),
            memory("n3", "Sun lifts sales of hats.", "insight"),
        ],
        related=[
            {
                "results": [
                    hit("n1", "itself", 0.9),
                    hit("o1", "Wet weeks sell boots.", 0.5),
                    hit("n2", "new", 0.8),
                ]
            },
            {
                "results": [
                    hit("o3", "Akin.", 0.8),
                    hit("o2", "Boots were dear.", 0.1),
                    hit("o4", "Far.", 0.3),
                ]
            },
            None,
        ],
    )
    assert made.content.split("\n") == [
        "Weekly",
        "======",
        "",
        "Insight",
        "- Rain lifts sales of boots. [1]",
        "  known before: Wet weeks sell boots. [2]",
        "- Sun lifts sales of hats. [3]",
        "",
        "Model run",
        "- Boots were cheaper. [4]",
        "  contradicts: Boots were dear. [5]",
        "  known before: Akin. [6]",
        "",
        "Sources",
        "[1] memory n1",
        "[2] memory o1",
        "[3] memory n3",
        "[4] memory n2",
        "[5] memory o2",
        "[6] memory o3",
    ]
    assert made.memory_ids == ("n1", "o1", "n3", "n2", "o2", "o3")
    assert made.count == 3


def test_one_memory_quoted_twice_has_one_number():
    known = {"results": [hit("o1", "Known.", 1.0)]}
    made = compose(title="W", memories=[memory("a", "A."), memory("b", "B.")], related=[known, known])
    assert made.content.count("known before: Known. [2]") == 2
    assert made.memory_ids == ("a", "o1", "b")


def test_digest_without_new_memories_is_empty():
    assert compose(title="W", memories=[], related=[]).memory_ids == ()


def test_headlines():
    assert headline("It rose by 3.5 percent.\nThen it fell.") == "It rose by 3.5 percent."
    assert headline("No stop") == "No stop"
    long = headline("x" * 500)
    assert len(long) == MAX_HEADLINE
    assert long.endswith("…")
