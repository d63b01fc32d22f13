"""URL path converters."""

from uuid import UUID

from django.urls import register_converter


class AnyCaseUUID:
    """A hyphenated UUID in upper or lower case; Django's own converter accepts lower case only."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        """Return the UUID of a path segment."""
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        """Return the path segment of a UUID."""
        return str(value)


register_converter(AnyCaseUUID, "id")
