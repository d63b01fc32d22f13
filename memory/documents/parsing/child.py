"""The parser's process: reads a document on standard input and writes its text as JSON. No Django.

It restricts itself before it reads the document: memory, processor time, no files written, and, once its modules are loaded, nothing
opened at all, neither a file nor a socket.
"""

import codecs
import importlib
import json
import os
import resource
import sys
from typing import Any

from memory.documents.parsing.detection import kind_of
from memory.documents.parsing.failures import Failure, is_out_of_memory
from memory.documents.parsing.outline import Outline, clean
from memory.documents.parsing.types import Kind, Limits, Parsed

# those that parsers use by themselves
CODECS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "ascii",
    "cp437",
    "cp1252",
)

# imported by the standard library inside of functions
MODULES = (
    "base64", "bisect", "calendar", "decimal", "email.generator", "email.iterators", "heapq", "html.entities", "linecache",
    "locale", "quopri", "stringprep", "textwrap", "traceback", "unicodedata", "_strptime",
)  # fmt: skip


def main() -> None:
    """Parse standard input: a line of JSON with name, media_type, charset and limits, then the document."""
    asked = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**asked["limits"])
    _restrict(limits)
    try:
        parsed = parse(sys.stdin.buffer.read(), asked["name"], asked["media_type"], asked["charset"], limits)
        answer: dict[str, Any] = {
            "kind": parsed.kind.value,
            "text": parsed.text,
            "title": parsed.title,
            "pages": parsed.pages,
            "marks": parsed.marks,
            "facts": parsed.facts,
        }
    except Failure as failure:
        answer = {"failure": failure.reason, "figures": failure.figures}
    except (MemoryError, RecursionError):
        answer = {"failure": "too_complex", "figures": {}}
    except Exception as error:  # noqa: BLE001  a library's own error about a damaged file; logged by the parent
        reason = "too_complex" if is_out_of_memory(error) else "broken"
        answer = {"failure": reason, "figures": {}, "error": _where(error)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()


def parse(content: bytes, name: str, media_type: str, charset: str, limits: Limits) -> Parsed:
    """Return a document's text. Nothing can be opened in this process afterwards.

    Args:
        content: the document.
        name: of its file; may be empty.
        media_type: as declared, in lower case, without parameters; may be empty.
        charset: as declared; may be empty.
        limits: of pages, characters and unpacked bytes; those of the process are already set.

    Raises:
        Failure: it can't be read.
    """
    kind = kind_of(content, name, media_type)
    outline = Outline(limits.characters)
    title, pages, facts = _read(kind, content, charset, outline, limits)
    text = outline.text()
    if not text.strip():
        raise Failure("no_text", pages=pages or 0)
    title = " ".join(clean(title).split())[:300]
    return Parsed(kind, text, title, pages, tuple(outline.marks), _cleaned(facts))


def _cleaned(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts without what can't be stored: headers of damaged e-mails contain anything."""
    return {
        name: [clean(each) for each in fact] if isinstance(fact, list) else clean(str(fact))
        for name, fact in facts.items()
    }


def _read(
    kind: Kind, content: bytes, charset: str, outline: Outline, limits: Limits
) -> tuple[str, int | None, dict[str, Any]]:
    """Return title, pages and facts."""
    # parsers are imported here, one for each document: importing all would take longer than reading most documents
    match kind:
        case Kind.PDF:
            from memory.documents.parsing.pdf import read_pdf

            _close_off()
            return *read_pdf(content, outline, limits.pages), {}
        case Kind.DOCX | Kind.PPTX | Kind.XLSX:
            from memory.documents.parsing.archive import Archive
            from memory.documents.parsing.docx import read_docx
            from memory.documents.parsing.pptx import read_pptx
            from memory.documents.parsing.xlsx import read_xlsx

            _close_off()
            archive = Archive(content, limits.unpacked_bytes)
            if kind is Kind.DOCX:
                return read_docx(archive, outline), None, {}
            if kind is Kind.PPTX:
                return *read_pptx(archive, outline, limits.pages), {}
            return *read_xlsx(content, archive, outline, limits.pages), {}
        case _:
            return _read_text(kind, content, charset, outline)


def _read_text(
    kind: Kind, content: bytes, charset: str, outline: Outline
) -> tuple[str, int | None, dict[str, Any]]:
    from memory.documents.parsing.html import read_html
    from memory.documents.parsing.mail import read_mail
    from memory.documents.parsing.markdown import read_markdown
    from memory.documents.parsing.plain import is_unicode, load_codecs, read_table, read_text

    if not is_unicode(content) or kind is Kind.EMAIL:
        load_codecs()
    _close_off()
    match kind:
        case Kind.HTML:
            return read_html(content, charset, outline), None, {}
        case Kind.MARKDOWN:
            return read_markdown(content, charset, outline), None, {}
        case Kind.EMAIL:
            subject, facts = read_mail(content, outline)
            return subject, None, facts
        case Kind.CSV | Kind.TSV:
            read_table(content, charset, outline, delimiter="\t" if kind is Kind.TSV else "")
        case _:
            read_text(content, charset, outline)
    return "", None, {}


def _where(error: Exception) -> str:
    """Return an unexpected error's type and place, without its message, which may quote the document."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__} in {place}"


def _restrict(limits: Limits) -> None:
    memory = limits.memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _close_off() -> None:
    """Allow no descriptor beyond the three standard streams: no file, no socket, no program."""
    for name in CODECS:
        codecs.lookup(name)
    for name in MODULES:
        importlib.import_module(name)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


if __name__ == "__main__":
    main()
