"""Run the parser of one document in a process of its own, within limits (memory/documents/parsing/child.py).

A file from outside can make a parser loop, swell or crash. The process has limits of memory, time, pages and unpacked bytes, can
open neither files nor sockets, gets no environment, and is killed at its caller's deadline.
"""

import json
import logging
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic
from typing import Any

from django.conf import settings

from liftos.kernel.deadlines import check_deadline
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.documents.errors import FAILURES, failure
from memory.documents.parsing.types import Kind, Limits, Parsed
from memory.types import MAX_CONTENT

logger = logging.getLogger("liftos.memory")

_ROOT = str(Path(__file__).resolve().parents[2])
# isolated: neither the environment nor the current directory decides what is imported
_COMMAND = [
    sys.executable, "-I", "-X", "utf8", "-c",
    f"import sys; sys.path.insert(0, {_ROOT!r}); from memory.documents.parsing.child import main; main()",
]  # fmt: skip
# how often the caller's deadline is checked
CHECK_SECONDS = 0.1
# signals by which a process ends that was out of memory or time; allocators of native libraries abort
OUT_OF_RESOURCES = frozenset(
    {signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGBUS}
)


def current_limits() -> Limits:
    """Return the limits in the settings."""
    return Limits(
        memory_mb=settings.LIFTOS_DOCUMENT_MEMORY_MB,
        seconds=settings.LIFTOS_DOCUMENT_SECONDS,
        pages=settings.LIFTOS_DOCUMENT_PAGES,
        unpacked_bytes=settings.LIFTOS_DOCUMENT_UNPACKED_BYTES,
        characters=MAX_CONTENT,
    )


def parse(
    content: bytes, *, name: str = "", media_type: str = "", charset: str = "", limits: Limits | None = None
) -> Parsed:
    """Return a document's text.

    Args:
        content: the file.
        name: of the file; its extension counts, after the content.
        media_type: as declared, in lower case, without parameters.
        charset: as declared, for text.
        limits: by default those of the settings.

    Raises:
        UnsupportedDocument: no parser reads this kind.
        InvalidInput: it can't be read; each reason is a class of `memory.documents.errors`.
        GivenUp: the caller's deadline has passed, or the caller has disconnected.
    """
    limits = limits or current_limits()
    asked = {"name": name, "media_type": media_type, "charset": charset, "limits": asdict(limits)}
    with TRACER.span("memory.parse_document", bytes=len(content)):
        answer = _run(json.dumps(asked).encode() + b"\n" + content, 2 * limits.seconds)
    if "failure" in answer:
        raise failure(answer["failure"], answer["figures"])
    return Parsed(
        kind=Kind(answer["kind"]),
        text=answer["text"],
        title=answer["title"],
        pages=answer["pages"],
        marks=tuple((start, page, heading) for start, page, heading in answer["marks"]),
        facts=answer["facts"],
    )


def _run(given: bytes, seconds: float) -> dict[str, Any]:
    """Run the parser's process and return its answer; a process that died without one is a failure."""
    check_deadline()
    end = monotonic() + seconds
    # a file, because `communicate` can't go on sending after a timeout
    with TemporaryFile() as source:
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(
            _COMMAND, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )
        with process:
            try:
                output = _wait(process, end)
            finally:
                # at the deadline, or when this thread is told to stop
                process.kill()
    try:
        answer = json.loads(output)
    except ValueError:
        answer = {}
    if "error" in answer:
        logger.warning("a document's parser failed", extra={"error": answer["error"]})
    if process.returncode == 0 and (answer.get("failure") in FAILURES or "kind" in answer):
        return answer
    logger.warning("a document's parser died", extra={"returncode": process.returncode})
    out_of_resources = -process.returncode in OUT_OF_RESOURCES
    return {"failure": "too_complex" if out_of_resources else "broken", "figures": {}}


def _wait(process: "subprocess.Popen[bytes]", end: float) -> bytes:
    while True:
        try:
            return process.communicate(timeout=CHECK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            check_deadline()
            if monotonic() > end:
                process.kill()
