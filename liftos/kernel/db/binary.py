"""Packing and unpacking of large arrays in Postgres's binary format.

psycopg converts lists item by item in Python, at 1 us and more each; a batch of memories has tens of thousands of words, a
search hundreds of ids. The formats are those of the send functions in Postgres's source (array_send, uuid_send, int8send,
textsend).
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
_UUID, _UUIDS, _TEXT, _TEXTS, _INT8, _INT8S, _BYTEA, _BYTEAS = 2950, 2951, 25, 1009, 20, 1016, 17, 1001
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
    """Ids as uuid[], each given as 16 bytes: `uuid.UUID` objects are slow to compare and hash."""

    __slots__ = ("data",)

    def __init__(self, ids: Iterable[bytes]) -> None:
        self.data = _array(_UUID, [_SIXTEEN + each for each in ids])


class TextArray:
    """Texts or None as text[]."""

    __slots__ = ("data",)

    def __init__(self, texts: Iterable[str | None]) -> None:
        encoded = [None if each is None else each.encode() for each in texts]
        self.data = _array(
            _TEXT, [_NULL if each is None else _LENGTH.pack(len(each)) + each for each in encoded]
        )


class BytesArray:
    """Byte strings as bytea[]."""

    __slots__ = ("data",)

    def __init__(self, strings: Iterable[bytes]) -> None:
        self.data = _array(_BYTEA, [_LENGTH.pack(len(each)) + each for each in strings])


class IntArray:
    """64-bit integers or None as bigint[]."""

    __slots__ = ("data",)

    def __init__(self, numbers: Iterable[int | None]) -> None:
        packed = _EIGHT.pack
        self.data = _array(_INT8, [_NULL if each is None else packed(8, each) for each in numbers])


_KINDS: dict[str, Any] = {"uuid": (">u8", (2,)), "int4": ">i4", "int8": ">i8", "bool": "?"}
# of an array of one dimension as sent: dimensions, flag for nulls, element type, length, lower bound
_HEADER = 20


def unpack_array(sent: bytes, kind: Literal["uuid", "int4", "int8", "bool"]) -> np.ndarray:
    """Unpack a one-dimensional array without nulls, sent by array_send: shape (n,); uuid as 64-bit pairs, shape (n, 2)."""
    return np.frombuffer(sent, [("length", ">i4"), ("value", _KINDS[kind])], offset=_HEADER)["value"]


def unpack_arrays(packed: bytes, count: int, size: int) -> np.ndarray:
    """Unpack concatenated float8 arrays of equal size, sent by array_send: float64, shape (count, size)."""
    row = np.dtype([("head", f"V{_HEADER}"), ("cells", [("length", ">i4"), ("value", ">f8")], (size,))])
    return np.frombuffer(packed, row, count)["cells"]["value"].astype(np.float64)


def unpack_halfvecs(packed: bytes, count: int) -> np.ndarray:
    """Unpack concatenated halfvecs of equal dimension, sent by halfvec_send: float32, shape (count, d)."""
    words = np.frombuffer(packed, ">f2").reshape(count, -1)
    return words[:, 2:].astype(np.float32)  # skip the header: dimension and zero, 16 bits each


def _array(kind: int, items: Sequence[bytes]) -> bytes:
    """Return length-prefixed items after the header: dimensions, null flag, element type, length, lower bound."""
    if not items:
        return pack(">iiI", 0, 0, kind)
    return pack(">iiIii", 1, 1, kind, len(items), 1) + b"".join(items)


class _Packed(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVec | UuidArray | TextArray | IntArray | BytesArray) -> Buffer:
        return obj.data


class _UuidsDumper(_Packed):
    oid = _UUIDS


class _TextsDumper(_Packed):
    oid = _TEXTS


class _IntsDumper(_Packed):
    oid = _INT8S


class _BytesDumper(_Packed):
    oid = _BYTEAS


# halfvec has no fixed oid: Postgres infers the type from the placeholder's `::halfvec` cast
psycopg.adapters.register_dumper(HalfVec, _Packed)
psycopg.adapters.register_dumper(UuidArray, _UuidsDumper)
psycopg.adapters.register_dumper(TextArray, _TextsDumper)
psycopg.adapters.register_dumper(IntArray, _IntsDumper)
psycopg.adapters.register_dumper(BytesArray, _BytesDumper)
