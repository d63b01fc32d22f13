"""Postgres' binary form: values packed on their way in, and unpacked on their way out, where there are many.

psycopg dumps a list item by item through Python, 1 us and more each; a batch of memories has tens of thousands of words, a search
hundreds of ids. The forms are those of the types' send functions in Postgres' source (array_send, uuid_send, int8send, textsend).
"""

from collections.abc import Iterable, Sequence
from struct import Struct, pack
from typing import Any, Literal

import numpy as np
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

# built into Postgres: src/include/catalog/pg_type.dat
_UUID, _UUIDS, _TEXT, _TEXTS, _INT8, _INT8S = 2950, 2951, 25, 1009, 20, 1016
_LENGTH, _NULL = Struct(">i"), pack(">i", -1)
_SIXTEEN = pack(">i", 16)
_EIGHT = Struct(">iq")


class HalfVec:
    """A vector as pgvector's halfvec."""

    __slots__ = ("data",)

    def __init__(self, vector: np.ndarray) -> None:
        """Pack a float vector, shape (d,), as 16-bit floats: uint16 dimension, uint16 zero, then big-endian values."""
        self.data = pack(">HH", len(vector), 0) + np.asarray(vector, dtype=">f2").tobytes()


class UuidArray:
    """Ids as uuid[], from the 16 bytes of each. `uuid.UUID` compares and hashes in Python too."""

    __slots__ = ("data",)

    def __init__(self, ids: Iterable[bytes]) -> None:
        self.data = _array(_UUID, [_SIXTEEN + each for each in ids])


class TextArray:
    """Texts, or nothing, as text[]."""

    __slots__ = ("data",)

    def __init__(self, texts: Iterable[str | None]) -> None:
        encoded = [None if each is None else each.encode() for each in texts]
        self.data = _array(
            _TEXT, [_NULL if each is None else _LENGTH.pack(len(each)) + each for each in encoded]
        )


class IntArray:
    """Integers of 64 bits, or nothing, as bigint[]."""

    __slots__ = ("data",)

    def __init__(self, numbers: Iterable[int | None]) -> None:
        packed = _EIGHT.pack
        self.data = _array(_INT8, [_NULL if each is None else packed(8, each) for each in numbers])


_KINDS: dict[str, Any] = {"uuid": (">u8", (2,)), "int4": ">i4", "int8": ">i8", "bool": "?"}
# of an array of one dimension as sent: dimensions, flag for nulls, element type, length, lower bound
_HEADER = 20


def unpack_array(sent: bytes, kind: Literal["uuid", "int4", "int8", "bool"]) -> np.ndarray:
    """Return what array_send made of an array of one dimension without nulls, shape (n,); uuid as pairs of 64 bits, shape (n, 2)."""
    return np.frombuffer(sent, [("length", ">i4"), ("value", _KINDS[kind])], offset=_HEADER)["value"]


def unpack_arrays(packed: bytes, count: int, size: int) -> np.ndarray:
    """Return float8 arrays of one size, sent by array_send and joined, as float64, shape (count, size)."""
    row = np.dtype([("head", f"V{_HEADER}"), ("cells", [("length", ">i4"), ("value", ">f8")], (size,))])
    return np.frombuffer(packed, row, count)["cells"]["value"].astype(np.float64)


def unpack_halfvecs(packed: bytes, count: int) -> np.ndarray:
    """Return halfvecs of one dimension, sent by halfvec_send and joined, as float32, shape (count, d)."""
    words = np.frombuffer(packed, ">f2").reshape(count, -1)
    return words[:, 2:].astype(np.float32)  # before the values stand the dimension and a zero, 16 bits each


def _array(kind: int, items: Sequence[bytes]) -> bytes:
    """Put items with their lengths behind dimensions, flag for nulls, element type, length and lower bound."""
    if not items:
        return pack(">iiI", 0, 0, kind)
    return pack(">iiIii", 1, 1, kind, len(items), 1) + b"".join(items)


class _Packed(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVec | UuidArray | TextArray | IntArray) -> Buffer:
        return obj.data


class _UuidsDumper(_Packed):
    oid = _UUIDS


class _TextsDumper(_Packed):
    oid = _TEXTS


class _IntsDumper(_Packed):
    oid = _INT8S


# a halfvec has no fixed oid: Postgres takes the type from the `::halfvec` cast beside the placeholder
psycopg.adapters.register_dumper(HalfVec, _Packed)
psycopg.adapters.register_dumper(UuidArray, _UuidsDumper)
psycopg.adapters.register_dumper(TextArray, _TextsDumper)
psycopg.adapters.register_dumper(IntArray, _IntsDumper)
