"""Operation names reserved for the service: callers may not record decisions under names that look like them.

Each app reserves the first word of its operations in `AppConfig.ready` (`memory` for `memory.store`, …). Names are compared by
appearance: ignoring letter case, width, accents, surrounding spaces, invisible characters, and look-alike letters of other
scripts. The word alone (`memory`) or as part of another (`memory_search`) is free for callers.
"""

import re
import unicodedata

_namespaces: set[str] = set()
# Cyrillic, Greek and Armenian letters that look like Latin ones (Unicode UTS #39)
_ALIKE = str.maketrans(
    "\u0430\u0251\u03b1\u0432\u0435\u0454\u0455\u0456\u0131\u03b9\u0458\u0458\u043a\u03ba\u051b\u043c\u043d\u03bf\u043e\u03c3\u0440\u03c1\u0441\u03f2\u0442\u03c4\u03c5\u03bd\u0475\u051d\u0445\u03c7\u0443\u04af\u03b3\u0261\u0581\u0501\u04cf\u0578\u057d\u04bb\u0585",
    "aaabeesiiijjkkqmhoooppccttuvvwxxyyyggdlnuho",
)


def reserve_operations(*namespaces: str) -> None:
    """Reserve operations that start with one of these words and a dot."""
    _namespaces.update(namespaces)


def reserved_namespace(name: str) -> str | None:
    """Return the reserved first word that a name has or seems to have, or None."""
    read = _as_read(name)
    return next(
        (each for each in sorted(_namespaces) if re.match(rf"{re.escape(each)}\s*[^a-z0-9_\s]", read)), None
    )


def _as_read(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_ALIKE)
    plain = (
        character
        for character in unicodedata.normalize("NFKD", folded)
        if unicodedata.category(character)[0] not in "MC"
    )
    return re.sub(r"^[^a-z0-9]+", "", "".join(plain).replace("-", "_"))
