"""The embedder interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Protocol, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""Shape (d,), unit length."""

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, d), each row of unit length."""

Organisation: TypeAlias = UUID | str | None
"""The owner of a text; None for texts without an owner, such as built-in labels."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model of a vector. Only vectors with equal name and version may be compared.

    Attributes:
        name: at most 200 characters.
        version: changes whenever the vectors do; at most 100 characters.
        dimension: of the vectors.
    """

    name: str
    version: str
    dimension: int


class TextKind(StrEnum):
    """The role of a text: some models embed a question differently from what may answer it."""

    QUERY = "query"
    DOCUMENT = "document"


class Extent(StrEnum):
    """The part of a text that a model reads: all, its beginning (the rest exceeds its limit), or nothing (unknown script)."""

    WHOLE = "whole"
    PART = "part"
    NOTHING = "nothing"


RELATED_SHARE = 0.3
"""The share of a text that is about a query's subject; the cosine of MiniLM, whose share is the cosine itself."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The use of a model: its prefixes, and the meaning of its cosines. Measured, see `docs/retrieval.md`.

    Attributes:
        query_prefix: put before queries.
        document_prefix: put before all other texts.
        unrelated: the cosine of a query and a text that have nothing to do with each other; -1 to below `related`.
        related: the cosine from which a text is about the query's subject; at most 1.
        similar: the cosine from which two short phrases mean much the same; at most 1.
        languages: those it was made for, ISO 639-1; () for all. In others its cosines count less.
    """

    query_prefix: str = ""
    document_prefix: str = ""
    unrelated: float = 0.0
    related: float = 0.3
    similar: float = 0.45
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check types and the order of the cosines."""
        if not (isinstance(self.query_prefix, str) and isinstance(self.document_prefix, str)):
            raise ValueError("the prefixes of a profile must be strings")  # noqa: TRY004  options are values of a setting
        if not -1 <= self.unrelated < self.related <= 1:
            raise ValueError("the cosines of a profile must be -1 <= unrelated < related <= 1")
        if isinstance(self.languages, str) or not all(isinstance(each, str) for each in self.languages):
            raise ValueError("the languages of a profile must be a list of ISO 639-1 codes")
        object.__setattr__(self, "languages", tuple(self.languages))

    def written(self, text: str, kind: TextKind) -> str:
        """Return what the model is given for a text."""
        return (self.query_prefix if kind is TextKind.QUERY else self.document_prefix) + text

    def share(self, cosine: float) -> float:
        """Return how much a cosine of a query and a text counts, 0..1, on a scale that all models share.

        0 up to `unrelated`, RELATED_SHARE at `related`, 1 at 1, linear in between.
        """
        if cosine < self.related:
            return max(0.0, RELATED_SHARE * (cosine - self.unrelated) / (self.related - self.unrelated))
        if self.related == 1:
            return 1.0
        rest = (1 - RELATED_SHARE) * (cosine - self.related) / (1 - self.related)
        return min(1.0, RELATED_SHARE + rest)

    @property
    def has_plain_scale(self) -> bool:
        """True if a cosine's share is the cosine itself."""
        return (self.unrelated, self.related) == (0.0, RELATED_SHARE)

    def is_for(self, language: str) -> bool:
        """Return whether the model was made for a language, which is "" if unknown."""
        return not self.languages or not language or language in self.languages

    def marked(self, version: str) -> str:
        """Return a model's version marked with the document prefix, with which the stored vectors change."""
        if not self.document_prefix:
            return version
        return f"{version}+{sha256(self.document_prefix.encode()).hexdigest()[:8]}"


PLAIN = Profile()
"""The profile of an embedder that declares none: no prefixes, MiniLM's cosines."""


class Embedder(Protocol):
    """Turns texts into vectors. Implementations must be thread-safe.

    An embedder may also have

    - `profile: Profile`, PLAIN by default. `EmbeddingManager` writes the prefixes, so `embed` gets texts that have them;
    - `extents(texts) -> list[Extent]`, by default WHOLE for each text.
    """

    @property
    def model(self) -> ModelInfo:
        """The model behind the vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text, in order.

        Args:
            texts: any strings, including empty ones and lone surrogates; may be an empty list.

        Returns:
            float32, shape (len(texts), d), finite rows of unit length.

        Raises:
            EmbedderUnavailable: the model is unavailable.
            DimensionMismatch: the model returned vectors of another length.
        """
