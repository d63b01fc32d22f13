"""The cache of the service that this one replaces, re-created as a reference: a dictionary and a list in order of use."""

import hashlib
from collections.abc import Callable

from liftos.kernel.embedding.types import Vector


class ListLruCache:
    """Text to vector; every hit searches the list from its start, so that it costs more the more there is.

    Keys are digests of model and text, as they were there.
    """

    def __init__(self, capacity: int, compute: Callable[[str], Vector]) -> None:
        """Make an empty cache in front of `compute`."""
        self._capacity = capacity
        self._compute = compute
        self._vectors: dict[str, Vector] = {}
        self._order: list[str] = []

    def embed(self, text: str) -> Vector:
        """Return a text's vector, a copy."""
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
