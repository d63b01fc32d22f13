"""The worst English does not come back: docstrings, comments, messages, templates and documentation.

Each rule names a construction that a native reader stops at, and what to write instead. `ALLOWED` counts what is left in each
directory; lower a number when you remove some, never raise one.
"""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SUFFIXES = {".py", ".html", ".md", ".yml", ".txt"}
SKIPPED = ("migrations", "static", "requirements", ".")

# of a docstring
OPENINGS = {
    r"Tell (whether|how|what|which|if|who|where)\b": "write “Return …”",
    r"Say (whether|how|what|which|if|that|who|why)\b": "write “Return …” or “Record …”",
    r"(What|Which|Who|How|Whether|Where|When)\b[^?]*\.$": "name the thing or the action instead of opening with a question word",
}
# anywhere
PHRASES = {
    r"\bwhat is no\b": "write “invalid …” or “other than …”",
    r"\b(?:that|which|it|this) is no (?!longer\b|more\b|less\b|need\b)": "write “is not a …”",
    r"\bfor so (?:long|many)\b": "name the duration or the number",
    r"\bcome by\b|\bcame by\b": "write “obtained” or “produced”",
    r"\b(?:stand|stands|stood|is|are|goes) on record\b": "write “is recorded”",
    r"\bwhat (?:becomes|became|will become) of\b": "write “what happens to”",
    r"\bbroken off\b": "write “interrupted”",
    r"\bgo(?:es|ing)? on (?:from|where|with)\b": "write “continue”",
    r"\b(?:leave|leaves|left) the house\b": "write “publish”",
    r"\b(?:made|make|makes|begun|read|placed|learnt|written|rendered|asked) anew\b": "write “again” or “recomputed”",
    r"\bthere is to (?:do|know|see|find)\b": "name it",
    r"\bnobody (?:waits|takes|fetches|asks|looks|holds)\b": "say what happens, not what nobody does",
    r"\bas many as\b.*\bso many\b": "write “at most …”",
}
ALLOWED: dict[str, int] = {
    "liftos/bench": 1,  # a metric's title, which reports are compared by
    "memory": 14,
}


@dataclass(frozen=True)
class Text:
    """A piece of prose: where it is, what it says, and whether it is a docstring."""

    place: str
    text: str
    docstring: bool = False


def test_the_worst_english_stays_out():
    found = [(each, advice) for each in texts() for advice in faults(each)]
    counts = Counter(directory(each.place) for each, _ in found)
    too_many = {name for name, count in counts.items() if count > ALLOWED.get(name, 0)}
    lines = [
        f"{each.place}: {advice}: {' '.join(each.text.split())[:100]}"
        for each, advice in found
        if directory(each.place) in too_many
    ]
    counted = ", ".join(
        f"{name}: {counts[name]}, allowed {ALLOWED.get(name, 0)}" for name in sorted(too_many)
    )
    assert not lines, f"{counted}\n" + "\n".join(lines)


def test_rules_find_what_they_are_for():
    assert list(faults(Text("a.py:1", "Tell whether it is there.", docstring=True)))
    assert list(faults(Text("a.py:1", "What a span costs.", docstring=True)))
    assert list(faults(Text("a.py:1", "what is no id is refused")))
    assert not list(faults(Text("a.py:1", "Return whether it is no longer there.", docstring=True)))
    assert not list(faults(Text("a.py:1", "What does a span cost?", docstring=True)))


def faults(text: Text) -> Iterator[str]:
    """Yield the advice of each rule that a text breaks."""
    first = " ".join(text.text.strip().split("\n\n")[0].split())
    if text.docstring:
        yield from (advice for rule, advice in OPENINGS.items() if re.match(rule, first))
    joined = " ".join(text.text.split())
    yield from (advice for rule, advice in PHRASES.items() if re.search(rule, joined, re.IGNORECASE))


def texts() -> Iterator[Text]:
    """Yield the prose of the product, its tests and its documentation."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if (
            path.suffix not in SUFFIXES
            or path == Path(__file__)
            or any(part.startswith(SKIPPED) for part in parts)
        ):
            continue
        name = path.relative_to(ROOT).as_posix()
        yield from (
            python_texts(name, path.read_text())
            if path.suffix == ".py"
            else plain_texts(name, path.read_text())
        )


def plain_texts(name: str, source: str) -> Iterator[Text]:
    """Yield the lines of a file that is prose."""
    for number, line in enumerate(source.splitlines(), start=1):
        if line.strip():
            yield Text(f"{name}:{number}", line)


def python_texts(name: str, source: str) -> Iterator[Text]:
    """Yield a module's docstrings, its other strings that contain a space, and its comments."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(f"{name}:{node.lineno}", node.value, docstring=id(node) in docstrings)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", token.string)


def directory(place: str) -> str:
    """Return the directory that a place counts for: two levels of `liftos` and `tests`, one of the apps."""
    parts = place.split(":")[0].split("/")
    return "/".join(parts[: 2 if parts[0] in {"liftos", "tests"} else 1]) if len(parts) > 1 else "."
