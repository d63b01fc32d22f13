"""Rows of a platform's export as entries: CSV with a header, or Parquet."""

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from workflows.marketing.sources import PLATFORMS
from workflows.marketing.types import MEASURES, DataSource

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


class UnreadableFile(Exception):
    """The file can't be read as what its name says."""


def rows_of(path: Path, source: DataSource) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file as a platform's entries; empty cells are left out.

    Args:
        path: of a CSV or, with the ending .parquet, a Parquet file.
        source: the platform.

    Raises:
        UnreadableFile: it has no header, is not UTF-8, or is no Parquet; or pyarrow is missing.
    """
    rows = _of_parquet(path) if path.suffix.lower() == ".parquet" else _of_csv(path)
    measured = {name for measure in MEASURES for name in PLATFORMS[source].names_of(measure)}
    for row in rows:
        yield {
            name: _plain(value, is_number=name in measured)
            for name, value in row.items()
            if value not in (None, "")
        }


def _plain(value: Any, *, is_number: bool) -> Any:
    """Return a cell as JSON has it: a text in a column of figures as a number, if it is one."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value % 1 else int(value)
    if is_number and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        text = value.strip()
        return float(text) if "." in text else int(text)
    return value


def _of_csv(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not reader.fieldnames or len(set(reader.fieldnames)) < len(reader.fieldnames):
                raise UnreadableFile("the first line has to name each column once")
            for row in reader:
                if None in row or None in row.values():
                    raise UnreadableFile(
                        f"line {reader.line_num} has another number of cells than the header"
                    )
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(str(error)) from error


def _of_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UnreadableFile('Parquet needs the extra: pip install "liftos-core[parquet]"') from None
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UnreadableFile(str(error)) from error
