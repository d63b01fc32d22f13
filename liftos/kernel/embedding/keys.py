"""Under which key a text's vector is cached."""

import hmac

from liftos.kernel.embedding.types import ModelInfo, Organisation

_REMEMBERED = 4_096  # organisations whose prefix is kept ready: str(UUID) alone costs 1.5 µs


class CacheKeys:
    """HMAC-SHA256(secret, model, organisation, text), 32 bytes.

    Content-exact; equal in every process that has the secret; different for each organisation, so that a quick
    answer tells nobody what another one stored; and it doesn't contain the text.
    """

    def __init__(self, secret: bytes, model: ModelInfo) -> None:
        """Make keys for the vectors of one model."""
        self._secret = secret
        self._model = model
        self._prefixes: dict[Organisation, bytes] = {}

    def of(self, text: str, organisation: Organisation) -> bytes:
        """Return the key of an organisation's text.

        Raises:
            ValueError: the organisation's id contains NUL, which parts the fields.
        """
        prefix = self._prefixes.get(organisation)
        if prefix is None:
            prefix = self._prefix(organisation)
        # surrogatepass: a text that no encoding allows has a key of its own all the same
        return hmac.digest(self._secret, prefix + text.encode("utf-8", "surrogatepass"), "sha256")

    def _prefix(self, organisation: Organisation) -> bytes:
        name = "" if organisation is None else str(organisation)
        if "\x00" in name:
            raise ValueError("an organisation's id contains no NUL")
        model = self._model
        prefix = f"{model.name}\x00{model.version}\x00{model.dimension}\x00{name}\x00".encode()
        if len(self._prefixes) >= _REMEMBERED:
            self._prefixes.clear()
        self._prefixes[organisation] = prefix
        return prefix
