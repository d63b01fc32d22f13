"""Signed tree heads in the C2SP formats tlog-checkpoint and signed-note, with Ed25519 keys.

A signed checkpoint is text, and ends with a newline:

    example.com/log42
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/log42 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=

Source: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note, version 1.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from accountability.merkle import EMPTY_ROOT, HASH_BYTES

MAX_SIZE = 2**63 - 1  # a PostgreSQL bigint
MAX_SIGNATURES = 64  # the format asks for 16 or more
MAX_CHARACTERS = 1_000_000

_ED25519 = b"\x01"  # the signed-note type of a plain Ed25519 key
_KEY_BYTES, _KEY_ID_BYTES, _SIGNATURE_BYTES = 32, 4, 64
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class CheckpointInvalid(ValueError):
    """The checkpoint is malformed or not signed by the expected key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the state of a log at one size.

    Attributes:
        origin: the log's name, one line.
        size: number of leaves, 0 to `MAX_SIZE`.
        root: of the tree of that size, 32 bytes.
        extensions: further signed lines, opaque; we write none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line or not _is_plain(line):
                raise CheckpointInvalid(
                    "origin and extension lines must be non-empty and without control characters"
                )
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointInvalid("the tree size is out of range")
        if len(self.root) != HASH_BYTES:
            raise CheckpointInvalid("the root hash is not 32 bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise CheckpointInvalid("the root of an empty log must be SHA-256 of nothing")

    @property
    def text(self) -> str:
        """The note text: the lines that are signed, each ended by a newline."""
        lines = (self.origin, str(self.size), _encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key trusted to sign checkpoints.

    Attributes:
        name: of the key, without spaces and plus signs.
        public_key: Ed25519, 32 bytes (RFC 8032 section 5.1.5).
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != _KEY_BYTES:
            raise ValueError("an Ed25519 public key must be 32 bytes")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public key), its first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[
            :_KEY_ID_BYTES
        ]


def make_vkey(name: str, public_key: bytes) -> str:
    """Return the text form of a verifier key, `name+keyid+base64(0x01 || public key)`.

    Args:
        name: of the key, without spaces and plus signs.
        public_key: Ed25519, 32 bytes.

    Raises:
        ValueError: an invalid name or key.
    """
    verifier = Verifier(name, public_key)
    return f"{name}+{verifier.key_id.hex()}+{_encode(_ED25519 + public_key)}"


def parse_vkey(vkey: str) -> Verifier:
    """Return the verifier that `make_vkey` wrote.

    Raises:
        ValueError: the text is malformed, the key is not Ed25519, or the key id does not match.
    """
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _decode(encoded)
    if not _KEY_ID.fullmatch(key_id) or key is None or key[:1] != _ED25519:
        raise ValueError("a verifier key must be name+keyid+base64 of an Ed25519 key")
    verifier = Verifier(name, key[1:])
    if verifier.key_id.hex() != key_id:
        raise ValueError("the key id does not match the key")
    return verifier


def verifier_of(key_name: str, private_key: Ed25519PrivateKey) -> Verifier:
    """Return the verifier of checkpoints that `sign` signs with this name and key.

    Raises:
        ValueError: an empty name, or one with spaces or plus signs.
    """
    return Verifier(key_name, private_key.public_key().public_bytes_raw())


def sign(checkpoint: Checkpoint, key_name: str, private_key: Ed25519PrivateKey) -> str:
    """Return the checkpoint as a signed note with one signature line.

    Args:
        checkpoint: must be consistent with every checkpoint the log has signed; not checked here.
        key_name: of the key; the format recommends the log's origin.
        private_key: Ed25519.

    Raises:
        ValueError: a key name that is empty or has spaces or plus signs.
    """
    signature = private_key.sign(checkpoint.text.encode())
    key_id = verifier_of(key_name, private_key).key_id
    return f"{checkpoint.text}\n— {key_name} {_encode(key_id + signature)}\n"


def open_signed(text: str, verifier: Verifier, *, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint of a signed note after checking its format and the trusted key's signature.

    Well-formed signature lines of other keys (witnesses, a successor key) are ignored, as the format demands.

    Args:
        text: the signed note.
        verifier: the trusted key.
        origin: the expected log; any when left out. Pass it if one key signs several logs.

    Raises:
        CheckpointInvalid: malformed, not or wrongly signed by the key, or of another log.

    Source: c2sp.org/signed-note (Format, Signatures), c2sp.org/tlog-checkpoint (Note text).
    """
    body, signatures = _split_note(text)
    signed = body.encode()
    known = [value for name, value in signatures if (name, value[:4]) == (verifier.name, verifier.key_id)]
    if not known:
        raise CheckpointInvalid("the checkpoint is not signed by the expected key")
    try:
        key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
        for value in known:
            key.verify(value[_KEY_ID_BYTES:], signed)
    except (InvalidSignature, ValueError) as error:
        raise CheckpointInvalid("the signature does not match the checkpoint") from error
    checkpoint = _parse_body(body)
    if origin is not None and checkpoint.origin != origin:
        raise CheckpointInvalid("the checkpoint belongs to another log")
    return checkpoint


def _split_note(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a note at its last blank line into the signed text and (key name, key id || signature) pairs."""
    if len(text) > MAX_CHARACTERS or not _is_plain(text):
        raise CheckpointInvalid("the checkpoint is too long or contains control characters")
    body, blank, tail = text.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise CheckpointInvalid("the checkpoint has no signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CheckpointInvalid("the checkpoint has too many signature lines")
    return f"{body}\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    value = _decode(parts[2]) if len(parts) == 3 and parts[0] == "—" else None
    if value is None or len(value) <= _KEY_ID_BYTES:
        raise CheckpointInvalid("a signature line is malformed")
    try:
        _check_name(parts[1])
    except ValueError as error:
        raise CheckpointInvalid("a signature line is malformed") from error
    return parts[1], value


def _parse_body(body: str) -> Checkpoint:
    lines = body[:-1].split("\n")
    if len(lines) < 3:
        raise CheckpointInvalid("the checkpoint has fewer than three lines")
    root = _decode(lines[2])
    if not _SIZE.fullmatch(lines[1]) or root is None:
        raise CheckpointInvalid("the tree size or root hash is malformed")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name) or not _is_plain(name):
        raise ValueError("a key name must be non-empty and without spaces and plus signs")


def _is_plain(text: str) -> bool:
    """Return whether text is encodable and free of ASCII control characters other than newline."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(text)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes | None:
    """Return the bytes of base64 text, None unless it is their canonical encoding, so that no bit can change undetected."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if _encode(data) == text else None
