"""The text size per memory in a response, so that responses are bounded before memories are read."""

from django.conf import settings

# enough to recognise what a memory is about
LEAST_BYTES = 1_000


def bytes_each(texts: int) -> int:
    """Return the bytes per text: half of `LIFTOS_MAX_ANSWER_BYTES`, as the rest is overhead, divided by their number."""
    return max(LEAST_BYTES, settings.LIFTOS_MAX_ANSWER_BYTES // 2 // max(1, texts))


def passage_bytes(hits: int) -> int:
    """Return the bytes per passage of a hit: an eighth of `LIFTOS_MAX_ANSWER_BYTES`, divided by their number."""
    return settings.LIFTOS_MAX_ANSWER_BYTES // 8 // max(1, hits)


def shorten(text: str, most: int) -> str:
    """Cut a text to at most `most` bytes of UTF-8, between characters."""
    # a character has at most four bytes
    if len(text) * 4 <= most:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return text if len(raw) <= most else raw[:most].decode("utf-8", "ignore")
