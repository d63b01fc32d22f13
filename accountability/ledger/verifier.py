"""Verify a LiftOS log offline: a decision's proof, that the log only grew, or a complete export.

    python verifier.py proof.json --key VKEY
    python verifier.py consistency.json --key VKEY --since kept-checkpoint.txt
    python verifier.py export.jsonl --key VKEY --checkpoint checkpoint.txt

This file needs only Python 3.11 or later: no packages, no network, no database, nothing else of LiftOS. Copy it to a machine
you trust, and get the log's verifier key (`name+keyid+base64`) from a source other than the proof. It exits 0 if everything
verifies, else 1 with one line that names the first failure.

A proof is a JSON object:

    format      "liftos-proof/1"
    record      the decision's record, a JSON object
    leaf        base64 of the record's canonical JSON (RFC 8785), the bytes that the log hashed
    index       the leaf's index in the log, from 0
    size        of the log at the proof's checkpoint
    proof       inclusion proof (RFC 9162), a list of base64 hashes, nearest the leaf first
    checkpoint  the log's signed tree head of that size (C2SP tlog-checkpoint)
    disclosure  optional: {"salt": base64, "payload": object}, checked against the record's payload_commitment, which
                is base64(SHA-256(salt || canonical payload))

A consistency proof is a JSON object: format "liftos-consistency/1", size1, size2, root1, root2, proof (RFC 9162, base64 hashes), and
the signed checkpoints of both sizes, checkpoint1 and checkpoint2, null if none was signed. checkpoint2 is required; `--since`
names a file with a checkpoint that you kept, which replaces checkpoint1.

An export has one decision per line, a JSON object with index (null while pending), leaf, payload_commitment and salt (null for an
erased payload). Of a decision that the exporting caller may not see it has index and leaf_hash alone. The tree is rebuilt up to the
checkpoint's size. Every line must match its leaf; a payload may be missing only if an erasure lists it (or may be listed by one that
is withheld); and no record may be dated more than an hour before an earlier one. `--listed-since TIME` exempts records from before
TIME from the last two rules, for logs that are older than these.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

FORMAT = "liftos-proof/1"
CONSISTENCY_FORMAT = "liftos-consistency/1"
TOLERANCE = timedelta(hours=1)
MIN_SALT_BYTES = 16
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
_REQUIRED = {"format", "record", "leaf", "index", "size", "proof", "checkpoint"}
_EXACT = 2**53  # from here on not every integer has an exact double


class NotVerified(ValueError):
    """The bundle does not prove what it claims."""


@dataclass(frozen=True)
class Verified:
    """The facts that a proof bundle proves.

    Attributes:
        decision: the record's id.
        origin: the log's name in the checkpoint.
        index: the leaf's index, from 0.
        size: of the log at the checkpoint.
        root: of the log at that size, base64.
        key_name: of the signing key.
        disclosed: whether the bundle has a payload, which then matches the record's commitment.
    """

    decision: str
    origin: str
    index: int
    size: int
    root: str
    key_name: str
    disclosed: bool


def verify_bundle(bundle: bytes, vkey: str, *, origin: str | None = None) -> Verified:
    """Check every claim of a proof bundle.

    Args:
        bundle: UTF-8 JSON text.
        vkey: the log's verifier key, `name+keyid+base64(0x01 || public key)`.
        origin: the expected log; any that the key signs when left out.

    Raises:
        NotVerified: the message names the first failure.
        TypeError: the bundle is not bytes, or the key not str.
    """
    if not isinstance(bundle, bytes) or not isinstance(vkey, str):
        raise TypeError("the bundle must be bytes, the verifier key str")
    key_name, key_id, public_key = _parse_vkey(vkey)
    fields = _read(bundle)
    leaf, proof = _base64(fields["leaf"], "leaf"), [_base64(node, "proof") for node in fields["proof"]]
    _require(_canonical(fields["record"]) == leaf, "the leaf is not the record's canonical form")

    head_origin, head_size, head_root = _open_checkpoint(fields["checkpoint"], key_name, key_id, public_key)
    _require(origin is None or head_origin == origin, "the checkpoint is another log's")
    _require(head_size == fields["size"], "the checkpoint has another size than the proof")
    reached = _root(hashlib.sha256(b"\x00" + leaf).digest(), fields["index"], fields["size"], proof)
    _require(reached == head_root, "the inclusion proof does not lead to the checkpoint's root")

    record = fields["record"]
    _require(isinstance(record.get("id"), str), "the record has no id")
    if "disclosure" in fields:
        _check_disclosure(fields["disclosure"], record)
    return Verified(
        decision=record["id"],
        origin=head_origin,
        index=fields["index"],
        size=head_size,
        root=base64.b64encode(head_root).decode(),
        key_name=key_name,
        disclosed="disclosure" in fields,
    )


@dataclass(frozen=True)
class Grown:
    """The fact that a consistency bundle proves: the log `origin` of `size2` records extends the one of `size1`."""

    origin: str
    size1: int
    size2: int


def verify_consistency_bundle(
    bundle: bytes, vkey: str, *, since: str | None = None, origin: str | None = None
) -> Grown:
    """Check that a log only grew between two signed checkpoints.

    Args:
        bundle: UTF-8 JSON text.
        vkey: the log's verifier key.
        since: the earlier checkpoint, if you kept one; the bundle's own when left out.
        origin: the expected log; any that the key signs when left out.

    Raises:
        NotVerified: the message names the first failure.
    """
    key = _parse_vkey(vkey)
    fields = _object_of(bundle)
    names = {"format", "size1", "size2", "root1", "root2", "proof", "checkpoint1", "checkpoint2"}
    _require(
        fields.get("format") == CONSISTENCY_FORMAT and fields.keys() == names,
        "the bundle lacks a field, or has an unknown one",
    )
    earlier = since if since is not None else fields["checkpoint1"]
    _require(
        isinstance(earlier, str),
        "no checkpoint was signed at the first size; pass one that you kept with --since",
    )
    _require(isinstance(fields["checkpoint2"], str), "no checkpoint was signed at the second size")
    origin1, size1, root1 = _open_checkpoint(earlier, *key)
    origin2, size2, root2 = _open_checkpoint(fields["checkpoint2"], *key)
    _require(origin1 == origin2 and origin in (None, origin1), "the checkpoint is another log's")
    _require(
        fields["size1"] == size1 and fields["size2"] == size2,
        "the checkpoint has another size than the proof",
    )
    for name, root in (("root1", root1), ("root2", root2)):
        _require(_base64(fields[name], name) == root, f"{name} is not what was signed")
    _require(isinstance(fields["proof"], list), "a field of the bundle has the wrong type")
    _check_consistency(size1, size2, [_base64(node, "proof") for node in fields["proof"]], root1, root2)
    return Grown(origin1, size1, size2)


@dataclass(frozen=True)
class Rebuilt:
    """The fact that an export proves: it holds all records of the log up to `size`.

    Attributes:
        origin: the log's name in the checkpoint.
        size: of the log at the checkpoint.
        erased: records without a payload.
        waiting: records beyond the checkpoint.
        withheld: records of which the export has the hash alone.
    """

    origin: str
    size: int
    erased: int
    waiting: int
    withheld: int = 0


def verify_export(
    lines: Iterable[bytes],
    checkpoint: str,
    vkey: str,
    *,
    origin: str | None = None,
    listed_since: datetime | None = None,
) -> Rebuilt:
    """Rebuild a log from an export and compare it with a signed checkpoint.

    Args:
        lines: UTF-8 JSON, one decision each.
        checkpoint: the signed text, not newer than the export.
        vkey: the log's verifier key.
        origin: the expected log; any that the key signs when left out.
        listed_since: aware; earlier records may lack their payload, and their times are not checked.

    Raises:
        NotVerified: the message names the first failure.
    """
    head_origin, size, root = _open_checkpoint(checkpoint, *_parse_vkey(vkey))
    _require(origin is None or head_origin == origin, "the checkpoint is another log's")
    leaves: dict[int, tuple[bytes, datetime | None]] = {}
    missing: dict[str, datetime] = {}
    listed: set[str] = set()
    present: set[str] = set()
    waiting = withheld = 0
    for number, text in enumerate(lines, 1):
        line = _object_of(text, f"line {number}")
        if line.keys() == {"index", "leaf_hash"}:
            leaf_hash = _base64(line["leaf_hash"], f"leaf_hash of line {number}")
            waiting += _place(leaves, size, line["index"], number, (leaf_hash, None))
            withheld += 1
            continue
        leaf = _base64(line.get("leaf"), f"leaf of line {number}")
        record = _object_of(leaf, f"the leaf of line {number}")
        _require(_canonical(record) == leaf, f"the leaf of line {number} is not canonical")
        different = next(
            (name for name in record if name != "organisation_id" and line.get(name) != record[name]), None
        )
        _require(different is None, f"line {number}: {different} does not match its leaf")
        at = _time(record.get("recorded_at"), number)
        decision = str(record.get("id"))
        if line.get("salt") is None:
            missing[decision] = at
        else:
            payload = {name: line.get(name) for name in _PAYLOAD}
            _check_disclosure({"salt": line["salt"], "payload": payload}, record)
            present.add(decision)
            if record.get("operation") == "memory.delete":
                outputs = payload["outputs"]
                listed.update(outputs.get("erased_decisions") or () if isinstance(outputs, dict) else ())
        entry = hashlib.sha256(b"\x00" + leaf).digest(), at
        waiting += _place(leaves, size, line.get("index"), number, entry)
    for place in range(size):
        _require(place in leaves, f"record {place} of the log is missing")
    _require(
        _tree(leaves[place][0] for place in range(size)) == root,
        "the records do not lead to the checkpoint's root",
    )
    _check_times([(place, dated) for place in range(size) if (dated := leaves[place][1])], listed_since)
    for decision, at in missing.items():
        # the erasure may be withheld
        excused = decision in listed or withheld > 0 or (listed_since is not None and at < listed_since)
        _require(excused, f"the payload of decision {_shown(decision)} is missing, and no erasure lists it")
    _require(
        not listed & present,
        f"an erasure lists decision {_shown(min(listed & present, default=''))}, whose payload is still there",
    )
    return Rebuilt(head_origin, size, len(missing), waiting, withheld)


def _place(
    leaves: dict[int, tuple[bytes, datetime | None]],
    size: int,
    index: Any,
    number: int,
    leaf: tuple[bytes, datetime | None],
) -> bool:
    """Put a leaf at its place; return whether it lies beyond the checkpoint."""
    if type(index) is not int or not 0 <= index < size:
        return True
    _require(index not in leaves, f"line {number}: index {index} occurs twice")
    leaves[index] = leaf
    return False


def main(arguments: list[str] | None = None) -> int:
    """Verify the file named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Verify a LiftOS log offline.")
    parser.add_argument(
        "bundle", type=Path, help="a proof or consistency bundle; with --checkpoint, an export"
    )
    parser.add_argument("--key", required=True, help="the log's verifier key: name+keyid+base64")
    parser.add_argument("--origin", help="the log's origin (default: any that the key signed)")
    parser.add_argument(
        "--since", type=Path, help="with a consistency bundle: file with the earlier checkpoint that you kept"
    )
    parser.add_argument("--checkpoint", type=Path, help="with an export: file with the signed checkpoint")
    parser.add_argument(
        "--listed-since",
        type=datetime.fromisoformat,
        help="with an export: check payloads and times from this time on (ISO 8601 with offset)",
    )
    options = parser.parse_args(arguments)
    try:
        lines = _verify_file(options)
    except NotVerified as error:
        sys.stderr.write(f"NOT VERIFIED: {error}\n")
        return 1
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        sys.stderr.write(f"NOT VERIFIED: the bundle cannot be read: {_shown(reason)}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _verify_file(options: argparse.Namespace) -> list[str]:
    if options.checkpoint:
        since = options.listed_since
        _require(since is None or since.tzinfo is not None, "--listed-since needs a UTC offset")
        signed = options.checkpoint.read_text("utf-8")
        with options.bundle.open("rb") as lines:
            rebuilt = verify_export(lines, signed, options.key, origin=options.origin, listed_since=since)
        return [
            f"VERIFIED: {rebuilt.size} records are the log {_shown(rebuilt.origin)}",
            f"  {rebuilt.erased} payloads erased, {rebuilt.waiting} records beyond the checkpoint",
            *([f"  {rebuilt.withheld} records withheld"] if rebuilt.withheld else []),
        ]
    _require(options.bundle.stat().st_size <= MAX_BUNDLE_BYTES, "the bundle is too large")
    bundle = options.bundle.read_bytes()
    if options.since or _object_of(bundle).get("format") == CONSISTENCY_FORMAT:
        kept = options.since.read_text("utf-8") if options.since else None
        grown = verify_consistency_bundle(bundle, options.key, since=kept, origin=options.origin)
        return [f"VERIFIED: {_shown(grown.origin)} of {grown.size2} records extends that of {grown.size1}"]
    found = verify_bundle(bundle, options.key, origin=options.origin)
    return [
        f"VERIFIED: decision {_shown(found.decision)}",
        f"  log     {_shown(found.origin)}, signed by {_shown(found.key_name)}",
        f"  leaf    {found.index} of {found.size}",
        f"  root    {found.root}",
        f"  payload {'matches its commitment' if found.disclosed else 'not disclosed'}",
    ]


# --- the bundle ---


_PAYLOAD = ("reasoning", "inputs", "outputs", "alternatives", "memories")


def _object_of(text: bytes, what: str = "the bundle") -> dict[str, Any]:
    try:
        fields = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError) as error:
        raise NotVerified(f"{what} is not JSON with unique keys") from error
    if not isinstance(fields, dict):
        raise NotVerified(
            f"{what} is not a JSON object" if what != "the bundle" else f"the bundle's format is not {FORMAT}"
        )
    return fields


def _time(text: Any, number: int) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise NotVerified(f"line {number}: recorded_at is not a time") from error


def _check_times(times: list[tuple[int, datetime]], since: datetime | None) -> None:
    newest: datetime | None = None
    for place, at in times:
        if since is not None and at < since and (newest is None or newest < since):
            continue
        late = newest is not None and newest - at > TOLERANCE
        _require(
            not late,
            f"record {place} is dated more than an hour before a record that comes earlier in the log",
        )
        newest = at if newest is None else max(newest, at)


def _read(bundle: bytes) -> dict[str, Any]:
    fields = _object_of(bundle)
    _require(fields.get("format") == FORMAT, f"the bundle's format is not {FORMAT}")
    _require(fields.keys() - {"disclosure"} == _REQUIRED, "the bundle lacks a field, or has an unknown one")
    well_typed = (
        isinstance(fields["record"], dict)
        and isinstance(fields["proof"], list)
        and isinstance(fields["checkpoint"], str)
        and type(fields["index"]) is type(fields["size"]) is int  # not bool
    )
    _require(well_typed, "a field of the bundle has the wrong type")
    return fields


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) < _EXACT else float(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _check_disclosure(disclosure: Any, record: dict[str, Any]) -> None:
    well_formed = isinstance(disclosure, dict) and disclosure.keys() == {"salt", "payload"}
    _require(well_formed and isinstance(disclosure["payload"], dict), "the disclosure is malformed")
    salt = _base64(disclosure["salt"], "salt")
    _require(len(salt) >= MIN_SALT_BYTES, "the disclosure's salt is too short")
    digest = hashlib.sha256(salt + _canonical(disclosure["payload"])).digest()
    commitment = record.get("payload_commitment")
    _require(isinstance(commitment, str), "the record has no payload commitment")
    _require(_base64(commitment, "payload commitment") == digest, "the payload does not match its commitment")


def _base64(text: Any, what: str) -> bytes:
    """Return the bytes of base64 text; refuse any but their canonical encoding."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        data = None
    if data is None or base64.b64encode(data).decode() != text:
        raise NotVerified(f"the {what} is not base64")
    return data


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotVerified(otherwise)


def _shown(text: str) -> str:
    """Return text that is safe to print: escapes in untrusted text must not control the terminal."""
    return text if text.isascii() and text.isprintable() else ascii(text)


# --- canonical JSON, RFC 8785 ---


def _canonical(value: Any) -> bytes:
    try:
        return _write(value).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise NotVerified("a value has no canonical JSON form") from error


def _write(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) >= _EXACT:
            raise ValueError("an integer without an exact double")
        return str(value)
    if isinstance(value, float):
        return _write_number(value)
    if isinstance(value, list):
        return "[" + ",".join(_write(item) for item in value) + "]"
    if isinstance(value, dict):
        # section 3.2.3: by UTF-16 code units, where a character beyond U+FFFF sorts before U+E000
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    raise ValueError("not a JSON value")


def _write_number(number: float) -> str:
    """Write a double as ECMAScript's Number::toString does (ECMA-262 section 6.1.6.1.20).

    `digits` and `point` are its s and n: the shortest digits that read back as the number (as in Python's repr), and the
    position of the decimal point among them.
    """
    if number == 0:
        return "0"  # -0 too
    sign, numerals, exponent = Decimal(repr(number)).as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("NaN and infinities are not JSON")  # noqa: TRY004  (a value, not a type)
    point = len(numerals) + exponent
    digits = "".join(map(str, numerals)).rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return f"-{text}" if sign else text


# --- the tree, RFC 9162 section 2.1.3.2 ---


def _root(leaf_hash: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    _require(0 <= index < size, "the index is outside the log")
    place, last, reached = index, size - 1, leaf_hash
    for sibling in proof:
        _require(len(sibling) == 32 and last > 0, "the inclusion proof is malformed")
        if place & 1 or place == last:
            reached = hashlib.sha256(b"\x01" + sibling + reached).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            reached = hashlib.sha256(b"\x01" + reached + sibling).digest()
        place, last = place >> 1, last >> 1
    _require(last == 0, "the inclusion proof is too short")
    return reached


def _tree(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes (RFC 9162 section 2.1.1), keeping one hash per level."""
    edge: list[tuple[int, bytes]] = []
    for leaf_hash in leaf_hashes:
        level, reached = 0, leaf_hash
        while edge and edge[-1][0] == level:
            level, reached = level + 1, hashlib.sha256(b"\x01" + edge.pop()[1] + reached).digest()
        edge.append((level, reached))
    if not edge:
        return hashlib.sha256(b"").digest()
    root = edge.pop()[1]
    while edge:
        root = hashlib.sha256(b"\x01" + edge.pop()[1] + root).digest()
    return root


def _check_consistency(size1: int, size2: int, proof: list[bytes], root1: bytes, root2: bytes) -> None:
    """Check that a consistency proof leads to both roots (RFC 9162 section 2.1.4.2)."""
    wrong = "the consistency proof is wrong"
    _require(size1 <= size2, "the log has shrunk")
    if size1 == size2 or size1 == 0:
        _require(not proof and (size1 == 0 or root1 == root2), wrong)
        return
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    _require(bool(path) and all(len(each) == 32 for each in path), wrong)
    first, last = size1 - 1, size2 - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    reached1 = reached2 = path[0]
    for sibling in path[1:]:
        _require(last > 0, wrong)
        if first & 1 or first == last:
            reached1 = hashlib.sha256(b"\x01" + sibling + reached1).digest()
            reached2 = hashlib.sha256(b"\x01" + sibling + reached2).digest()
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            reached2 = hashlib.sha256(b"\x01" + reached2 + sibling).digest()
        first, last = first >> 1, last >> 1
    _require(last == 0 and reached1 == root1 and reached2 == root2, wrong)


# --- checkpoints, c2sp.org/tlog-checkpoint and c2sp.org/signed-note ---


def _parse_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", vkey)
    if not match:
        raise NotVerified("the verifier key is not name+keyid+base64")
    name, key_id, key = match[1], bytes.fromhex(match[2]), _base64(match[3], "verifier key")
    _require(len(key) == 33 and key[0] == 1, "the verifier key is not Ed25519")
    try:
        expected = hashlib.sha256(name.encode("utf-8") + b"\n" + key).digest()[:4]
    except UnicodeEncodeError as error:
        raise NotVerified("the verifier key is not text") from error
    _require(hmac.compare_digest(expected, key_id), "the verifier key's id does not match the key")
    return name, key_id, key[1:]


def _open_checkpoint(text: str, key_name: str, key_id: bytes, public_key: bytes) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint after checking the given key's signature."""
    malformed = "the checkpoint is malformed"
    _require(not re.search(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]", text), malformed)
    body, blank, tail = text.rpartition("\n\n")
    _require(bool(blank) and tail.endswith("\n"), malformed)
    known = []
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise NotVerified(malformed)
        value = _base64(match[2], "checkpoint's signature")
        _require(len(value) > 4, malformed)
        if match[1] == key_name and value[:4] == key_id:
            known.append(value[4:])
    _require(bool(known), "the checkpoint is not signed by the given key")
    signed = f"{body}\n".encode()
    _require(
        all(_ed25519_verifies(public_key, signed, signature) for signature in known),
        "the checkpoint's signature is wrong",
    )
    lines = body.split("\n")
    _require(
        len(lines) >= 3 and all(lines) and bool(re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1])), malformed
    )
    root = _base64(lines[2], "checkpoint's root")
    _require(len(root) == 32, malformed)
    # RFC 9162 section 2.1.1
    _require(
        lines[1] != "0" or root == hashlib.sha256(b"").digest(),
        "the root of an empty log must be SHA-256 of nothing",
    )
    return lines[0], int(lines[1]), root


# --- Ed25519, RFC 8032 section 5.1, in extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z ---

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]
_NEUTRAL: _Point = (0, 1, 1, 0)


def _ed25519_verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether S·B = R + k·A, cofactorless and with canonical encodings only."""
    if len(signature) != 64:
        return False
    key, scalar = _decode_point(public_key), int.from_bytes(signature[32:], "little")
    # s >= L would be a second valid signature of the same text
    if key is None or scalar >= _L or _encode_point(_times(8, key)) == _encode_point(_NEUTRAL):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    minus_key = (_P - key[0], key[1], key[2], _P - key[3])
    return _encode_point(_add(_times(scalar, _BASE), _times(challenge, minus_key))) == signature[:32]


def _add(first: _Point, second: _Point) -> _Point:
    a = (first[1] - first[0]) * (second[1] - second[0]) % _P
    b = (first[1] + first[0]) * (second[1] + second[0]) % _P
    c = 2 * first[3] * second[3] * _D % _P
    d = 2 * first[2] * second[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _encode_point(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode_point(encoded: bytes) -> _Point | None:
    number = int.from_bytes(encoded, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _SQRT_MINUS_1 % _P
    if x * x % _P != square or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


def _base_point() -> _Point:
    point = _decode_point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    if point is None:
        raise ArithmeticError("the base point must be on the curve")
    return point


_BASE = _base_point()


if __name__ == "__main__":
    sys.exit(main())
