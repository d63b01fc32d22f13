"""The original service's cache, recreated as a reference: a dictionary and a list in order of use."""

import hashlib
from collections.abc import Callable

from liftos.kernel.embedding.types import Vector


class ListLruCache:
    """A text-to-vector cache whose hits scan a list, so they slow down with its size.

    Keys are digests of model and text, as in the original.
    """

    def __init__(self, capacity: int, compute: Callable[[str], Vector]) -> None:
        """Create an empty cache in front of `compute`."""
        self._capacity = capacity
        self._compute = compute
        self._vectors: dict[str, Vector] = {}
        self._order: list[str] = []

    def embed(self, text: str) -> Vector:
        """Return a copy of a text's vector."""
        key = hashlib.md5(f"model:{text}".encode(), usedforsecurity=False).hexdigest()
        if key in self._vectors:
            self._order.remove(key)
            self._order.append(key)
            return self._vectors[key].copy()
        vector = self._compute(text)
        if len(self._vectors) >= self._capacity:
            del self._vectors[self._order.pop(0)]
        self._vectors[key] = vector
        self._order.append(key)
        return vector.copy()
