"""Path converters: how the parts of an address are read."""

from uuid import UUID

from django.urls import register_converter


class AnyCaseUUID:
    """A UUID with hyphens in capitals or small letters; Django's own converter takes small ones alone."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        """Return what stands in the path."""
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        """Return what is written into a path."""
        return str(value)


register_converter(AnyCaseUUID, "id")
