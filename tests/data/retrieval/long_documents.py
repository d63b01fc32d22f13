"""Generate twenty documents of about 20 pages, each with one fact on page 17: `python -m tests.data.retrieval.long_documents DIR`.

Pages end with a form feed and hold about 420 words under headings. The same seed gives the same text. The facts and their
paraphrased questions are in `long_documents.tsv`: `document<TAB>question<TAB>fact<TAB>sentence before<TAB>sentence after`.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.data.retrieval.long_document_fields import FIELDS, SLOTS

FACTS = Path(__file__).with_name("long_documents.tsv")
PAGES, FACT_PAGE, WORDS = 20, 17, 420
SEED = 20_260
PAGE_BREAK = "\f"


def write_documents(folder: Path) -> None:
    """Write `NAME.txt` for each document, and `questions.tsv`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [line.split("\t") for line in FACTS.read_text(encoding="utf-8").splitlines()]
    for name, _question, fact, before, after in rows:
        (folder / f"{name}.txt").write_text(document(name, f"{before} {fact} {after}"), encoding="utf-8")
    questions = "".join("\t".join(row[:3]) + "\n" for row in rows)
    (folder / "questions.tsv").write_text(questions, encoding="utf-8")


def document(name: str, paragraph: str) -> str:
    """Return a document's text, with a paragraph on page 17."""
    # a text as seed is hashed with SHA-512, the same in every process
    chance = random.Random(f"{SEED} {name}")
    sentences = _sentences(chance)
    pages = [
        _page(chance, sentences, number, paragraph if number == FACT_PAGE else "")
        for number in range(1, PAGES + 1)
    ]
    return f"{name.replace('-', ' ').capitalize()}\n\n" + PAGE_BREAK.join(pages)


def _page(chance: random.Random, sentences: dict[str, Iterator[str]], number: int, extra: str) -> str:
    paragraphs, words, section = [], 0, 0
    while words < WORDS:
        if len(paragraphs) % 4 == 0:
            section += 1
            field = chance.choice(sorted(sentences))
            paragraphs.append(f"## {number}.{section} {field.capitalize()}")
        lines = [next(sentences[field]) for _ in range(chance.randint(3, 6))]
        if extra and words > WORDS // 2:
            paragraphs.append(extra)
            extra = ""
        paragraphs.append(" ".join(lines))
        words += sum(len(line.split()) for line in lines)
    return "\n\n".join(paragraphs) + "\n"


def _sentences(chance: random.Random) -> dict[str, Iterator[str]]:
    """Return each field's endless sentences: its templates in random order again and again, their slots filled anew."""
    return {field: _filled(chance, list(templates)) for field, templates in FIELDS.items()}


def _filled(chance: random.Random, templates: list[str]) -> Iterator[str]:
    while True:
        chance.shuffle(templates)
        for template in templates:
            slots = {name: chance.choice(values) for name, values in SLOTS.items()}
            sentence = template.format(n=chance.randint(2, 98), m=chance.randint(2, 960), **slots)
            yield sentence[0].upper() + sentence[1:]


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]))
