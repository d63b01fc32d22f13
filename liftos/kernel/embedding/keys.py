"""Cache keys of embeddings."""

import hmac
from functools import lru_cache

from liftos.kernel.embedding.types import ModelInfo, Organisation


class CacheKeys:
    """HMAC-SHA256(secret, model, organisation, text), 32 bytes.

    Equal in every process with the secret; different for each organisation, so that response times do not reveal what
    others stored; and it does not reveal the text.
    """

    def __init__(self, secret: bytes, model: ModelInfo) -> None:
        """Create keys for the vectors of one model."""
        self._secret = secret
        self._model = model
        # str(UUID) alone costs 1.5 µs
        self._prefix = lru_cache(maxsize=4_096)(self._make_prefix)

    def of(self, text: str, organisation: Organisation) -> bytes:
        """Return the key of an organisation's text.

        Raises:
            ValueError: the organisation's id contains NUL, the field separator.
        """
        # surrogatepass: text with lone surrogates needs a key too
        return hmac.digest(
            self._secret, self._prefix(organisation) + text.encode("utf-8", "surrogatepass"), "sha256"
        )

    def _make_prefix(self, organisation: Organisation) -> bytes:
        name = "" if organisation is None else str(organisation)
        if "\x00" in name:
            raise ValueError("an organisation's id must not contain NUL")
        model = self._model
        return f"{model.name}\x00{model.version}\x00{model.dimension}\x00{name}\x00".encode()
