"""Under which key a text's vector is cached."""

import hmac
from functools import lru_cache

from liftos.kernel.embedding.types import ModelInfo, Organisation


class CacheKeys:
    """HMAC-SHA256(secret, model, organisation, text), 32 bytes.

    Content-exact; equal in every process that has the secret; different for each organisation, so that a quick
    answer tells nobody what another one stored; and it doesn't contain the text.
    """

    def __init__(self, secret: bytes, model: ModelInfo) -> None:
        """Make keys for the vectors of one model."""
        self._secret = secret
        self._model = model
        # str(UUID) alone costs 1.5 µs
        self._prefix = lru_cache(maxsize=4_096)(self._make_prefix)

    def of(self, text: str, organisation: Organisation) -> bytes:
        """Return the key of an organisation's text.

        Raises:
            ValueError: the organisation's id contains NUL, which parts the fields.
        """
        # surrogatepass: a text that no encoding allows has a key of its own all the same
        return hmac.digest(
            self._secret, self._prefix(organisation) + text.encode("utf-8", "surrogatepass"), "sha256"
        )

    def _make_prefix(self, organisation: Organisation) -> bytes:
        name = "" if organisation is None else str(organisation)
        if "\x00" in name:
            raise ValueError("an organisation's id contains no NUL")
        model = self._model
        return f"{model.name}\x00{model.version}\x00{model.dimension}\x00{name}\x00".encode()
