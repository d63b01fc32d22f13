"""Open an import file, and check it before anything is stored."""

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from liftos.kernel.http.parsing import InvalidRequest, parse_json
from memory.transfer.format import header_of

# fits a memory of a million characters with a hundred versions; longer lines must not exhaust memory
MAX_LINE_BYTES = 256 * 1024 * 1024
_PACKED = (
    (b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"),
)  # fmt: skip
_WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"),
)  # fmt: skip


class UnreadableFile(ValueError):
    """The file is not an import file; the message says why."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open and check an import file; `-` for standard input, which is copied to a temporary file.

    Raises:
        UnreadableFile: not a readable regular file; or see `check`.
    """
    if str(path) == "-":
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            check(kept)
            yield kept
        return
    if path.is_dir():
        raise UnreadableFile("this is a directory")
    if not path.is_file():
        raise UnreadableFile("the file does not exist or is not a regular file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"the file can't be opened: {error.strerror}") from error
    with stream:
        check(stream)
        yield stream


def check(stream: IO[bytes]) -> None:
    """Check the first and last lines of a stream, and rewind it.

    Raises:
        UnreadableFile: empty, compressed or not UTF-8; the first line is blank, not a JSON object, or an unsupported header; or
            the last line is incomplete.
    """
    stream.seek(0)
    start = stream.read(8)
    for signature, name in _PACKED:
        if start.startswith(signature):
            raise UnreadableFile(f"the file is compressed ({name}); decompress it first")
    for signature, name in _WIDE:
        if start.startswith(signature):
            raise UnreadableFile(f"the file is {name}, not UTF-8")
    stream.seek(0)
    first = stream.readline(MAX_LINE_BYTES + 1)
    if not first:
        raise UnreadableFile("the file is empty")
    if not first.removeprefix(b"\xef\xbb\xbf").strip():
        raise UnreadableFile("line 1 is blank; expected an export's header or a memory")
    _check_first(first)
    _check_end(stream)
    stream.seek(0)


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream's lines; a line that is too long is cut, so that it is refused as invalid."""
    while line := stream.readline(MAX_LINE_BYTES):
        yield line
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)


def _check_first(line: bytes) -> None:
    try:
        value = parse_json(line)
    except InvalidRequest as error:
        if error.items[0]["type"] != "json_invalid":
            return  # valid JSON, refused as a line
        try:
            line.decode()
        except UnicodeDecodeError:
            raise UnreadableFile("line 1 is not UTF-8 text") from error
        raise UnreadableFile(
            "line 1 is not JSON; expected one JSON object per line (CSV is not supported)"
        ) from error
    if not isinstance(value, dict):
        raise UnreadableFile("line 1 is not a JSON object; expected one per line")
    try:
        header_of(line)
    except InvalidRequest as error:
        raise UnreadableFile(f"not an export that can be imported: {error.message}") from error


def _check_end(stream: IO[bytes]) -> None:
    end = stream.seek(0, io.SEEK_END)
    stream.seek(end - 1)
    if stream.read(1) == b"\n":
        return
    start = _last_line(stream, end)
    stream.seek(start)
    try:
        parse_json(stream.read(MAX_LINE_BYTES + 1))
    except InvalidRequest as error:
        if error.items[0]["type"] == "json_invalid":
            stream.seek(0)
            number = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b"")) + 1
            raise UnreadableFile(
                f"line {number}, the last one, is incomplete; the file is truncated"
            ) from error


def _last_line(stream: IO[bytes], end: int) -> int:
    """Return the offset of a stream's last line."""
    place = end
    while place > 0:
        start = max(0, place - (1 << 16))
        stream.seek(start)
        found = stream.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
