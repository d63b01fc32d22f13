"""The log as static resources for monitors (C2SP tlog-tiles). Reads run inside a tenant transaction, 256 rows at most.

Source: https://c2sp.org/tlog-tiles.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from accountability.errors import EntryTooLong, NoSuchTile
from accountability.leaf import RECORD_FIELDS, leaf_bytes
from accountability.ledger.statements import TILE_LEAVES, TILE_NODES
from accountability.ledger.store import last_checkpoint
from accountability.models import DecisionRecord, LedgerLeaf
from accountability.operations import MAX_LEAF_BYTES
from liftos.kernel.db.transactions import read_value, whole_tenant

WIDTH = 256
HEIGHT = 8  # 2**8 hashes per tile
MAX_LEVEL = 63
ENTRIES = -1
"""The level of entry bundles."""

# an index without superfluous groups: 005, x001/000, but not x000/005
_TILE = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x(?!000/)[0-9]{3}/(?:x[0-9]{3}/){0,4})?[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile or entry bundle.

    Attributes:
        level: 0 to 63, or ENTRIES.
        index: position within the level.
        width: 1 to 256 hashes or entries; 256 is a full tile.
    """

    level: int
    index: int
    width: int


def parse_tile(path: str) -> Tile:
    """Return the tile that a path below `tile/` names: `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`.

    Raises:
        NoSuchTile: the path is malformed.
    """
    found = _TILE.fullmatch(path)
    if found is None:
        raise NoSuchTile
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    width = int(found["width"] or WIDTH)
    if level > MAX_LEVEL or (found["width"] and width >= WIDTH):
        raise NoSuchTile
    return Tile(level, int(re.sub(r"[x/]", "", found["index"])), width)


def read_tile(organisation: UUID, tile: Tile) -> bytes:
    """Return a tile's hashes, or a bundle's entries, each the canonical JSON of a record without its payload.

    Args:
        organisation: whose log.
        tile: which.

    Returns:
        32 bytes per hash; in a bundle each entry is preceded by its length, two bytes, big-endian.

    Raises:
        NoSuchTile: it extends beyond the newest checkpoint.
        EntryTooLong: an entry, older than the limit, has more than 65,535 bytes.
    """
    head = last_checkpoint(organisation)
    level = max(tile.level, 0)
    first, end = tile.index * WIDTH, tile.index * WIDTH + tile.width
    if head is None or end > head.size >> (HEIGHT * level):
        raise NoSuchTile
    if tile.level == ENTRIES:
        return _entries(organisation, first, end)
    if level:
        hashes = read_value(TILE_NODES, (organisation, first, end, HEIGHT * level))
    else:
        hashes = read_value(TILE_LEAVES, (organisation, first, end))
    return bytes(hashes or b"")


def _entries(organisation: UUID, first: int, end: int) -> bytes:
    leaves = LedgerLeaf.objects.filter(organisation_id=organisation, index__gte=first, index__lt=end)
    places = list(leaves.order_by("index").values_list("decision_id", flat=True))
    # a log token follows the whole log
    with whole_tenant(organisation):
        rows = DecisionRecord.objects.filter(organisation_id=organisation, id__in=places).values(
            *RECORD_FIELDS
        )
        entries = {row["id"]: leaf_bytes(row) for row in rows}
    if any(len(entry) > MAX_LEAF_BYTES for entry in entries.values()):
        raise EntryTooLong
    return b"".join(len(entries[each]).to_bytes(2) + entries[each] for each in places)
