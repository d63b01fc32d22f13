"""How much text an answer may hold: an equal share for each memory, so that the size of an answer is bounded before it is read."""

from django.conf import settings

# a share is never less: what a memory is about can be told from it
LEAST_BYTES = 1_000


def bytes_each(texts: int) -> int:
    """Return the bytes that each of so many texts may take, half of `LIFTOS_MAX_ANSWER_BYTES` in all; the rest is for what stands round them."""
    return max(LEAST_BYTES, settings.LIFTOS_MAX_ANSWER_BYTES // 2 // max(1, texts))


def shorten(text: str, most: int) -> str:
    """Return a text of at most so many bytes of UTF-8, cut between characters."""
    # four bytes are the longest character
    if len(text) * 4 <= most:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return text if len(raw) <= most else raw[:most].decode("utf-8", "ignore")
