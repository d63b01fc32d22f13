"""Words with apostrophes: elisions, suffixes of names, contractions. Pure."""

from memory.analysis.folding import APOSTROPHE

# prefixes that lose their vowel before another: French, Italian, Catalan, Irish
_ELIDED = frozenset(
    [
        "l",
        "d",
        "j",
        "m",
        "t",
        "s",
        "n",
        "c",
        "qu",
        "jusqu",
        "lorsqu",
        "puisqu",
        "quoiqu",
        "quelqu",
        "presqu",
        "entr",
        "dell",
        "all",
        "nell",
        "dall",
        "sull",
        "coll",
        "un",
        "quest",
        "quell",
        "cos",
        "dov",
        "com",
        "gl",
        "bell",
        "sant",
        "tutt",
        "senz",
        "mezz",
        "anch",
        "degl",
        "dagl",
        "b",
    ]
)
_CONTRACTED = frozenset({"s", "t", "ll", "re", "ve", "m", "d"})
_WHOLE = frozenset({"aujourd'hui"})
# a longer beginning is a word of its own
_NAME = 3
_ENGLISH = frozenset({"en", ""})


def split(word: str, language: str) -> list[str]:
    """Return the words in a word with apostrophes.

    "l'équipe" is l and équipe, "anna's" anna, "istanbul'daki" istanbul and istanbuldaki, "o'brien" obrien. English contractions are
    left to the stemmer.
    """
    if language in _ENGLISH:
        before, _, end = word.rpartition(APOSTROPHE)
        if end in _CONTRACTED:
            return [word] if APOSTROPHE not in before else [before.replace(APOSTROPHE, "") + APOSTROPHE + end]
    head, _, tail = word.partition(APOSTROPHE)
    if word in _WHOLE:
        return [head + tail]
    if head in _ELIDED and len(tail) > 1:
        return [head, *(split(tail, language) if APOSTROPHE in tail else [tail])]
    if tail == "s":
        return [head]
    joined = word.replace(APOSTROPHE, "")
    return [head, joined] if len(head) >= _NAME else [joined]
