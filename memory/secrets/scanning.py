"""Find secrets in a text."""

from memory.secrets.detectors import DETECTORS, NAMED_KEY, NAMED_PASSWORD, NAMES_KEY, NAMES_PASSWORD
from memory.secrets.types import Detector, Secret

REDACTED = "[redacted: {}]"
"""What stands for a secret that was replaced."""


def find_secrets(text: str, *, key: str = "") -> list[Secret]:
    """Return the secrets in a text in order, without overlaps.

    Args:
        text: any.
        key: the name under which metadata have it; a password needs no further sign under the name of one.
    Source: cost: about .1 ms for each 10,000 characters.
    """
    lowered, found = text.lower(), list[Secret]()
    for detector in (*DETECTORS, *_named(key)):
        if detector.needles and not any(needle in lowered for needle in detector.needles):
            continue
        for match in detector.pattern.finditer(text):
            start, end = match.span("secret")
            free = all(end <= other.start or start >= other.end for other in found)
            if free and (detector.accepts is None or detector.accepts(match)):
                found.append(Secret(detector.kind, start, end))
    return sorted(found, key=lambda secret: secret.start)


def redact(text: str, secrets: list[Secret]) -> str:
    """Return a text with a mark in place of each secret; `secrets` are those of `find_secrets`."""
    parts, end = [], 0
    for secret in secrets:
        parts += [text[end : secret.start], REDACTED.format(secret.kind)]
        end = secret.end
    return "".join((*parts, text[end:]))


def without_secrets(text: str) -> str:
    """Return a text with a mark in place of each secret."""
    return redact(text, find_secrets(text))


def moved(place: int, secrets: list[Secret]) -> int:
    """Return where a place of a text is after `redact`; one inside a secret is at the end of its mark."""
    shift = 0
    for secret in secrets:
        if secret.start >= place:
            break
        mark = len(REDACTED.format(secret.kind))
        if place < secret.end:
            return secret.start + shift + mark
        shift += mark - (secret.end - secret.start)
    return place + shift


def _named(key: str) -> tuple[Detector, ...]:
    if not key:
        return ()
    if NAMES_PASSWORD.search(key):
        return (NAMED_PASSWORD,)
    return (NAMED_KEY,) if NAMES_KEY.search(key) else ()
