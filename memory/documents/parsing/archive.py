"""Parts of an Office document, which is a ZIP archive of XML, within a limit of unpacked bytes. No Django."""

import posixpath
import zipfile
import zlib
from io import BytesIO
from typing import Any

from lxml import etree

from memory.documents.parsing.failures import Failure, is_out_of_memory

MAX_PARTS = 20_000
CHUNK = 1024 * 1024
RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
# raised by the standard library for damaged or unsupported archives
DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError, RuntimeError)


class Archive:
    """An Office document's parts."""

    def __init__(self, content: bytes, most: int) -> None:
        """Open an archive.

        Args:
            content: all of it.
            most: limit of unpacked bytes, of all parts read together.

        Raises:
            Failure: damaged, encrypted, or too many parts.
        """
        try:
            self._zip = zipfile.ZipFile(BytesIO(content))
        except DAMAGE as error:
            raise Failure("broken") from error
        self._infos = {info.filename.casefold(): info for info in self._zip.infolist()}
        self._left = self._most = most
        if len(self._infos) > MAX_PARTS:
            raise Failure("unpacks_too_large", most=most)
        if any(info.flag_bits & 1 for info in self._infos.values()):
            raise Failure("encrypted")

    def has(self, name: str) -> bool:
        """Return whether there is a part."""
        return name.casefold() in self._infos

    def names(self, prefix: str) -> list[str]:
        """Return the names of parts below a prefix."""
        return [info.filename for key, info in self._infos.items() if key.startswith(prefix.casefold())]

    def read(self, name: str) -> bytes:
        """Unpack a part.

        Raises:
            Failure: missing, damaged, or more than the archive may unpack to.
        """
        info = self._infos.get(name.casefold())
        if info is None:
            raise Failure("broken")
        chunks = []
        try:
            with self._zip.open(info) as part:
                while chunk := part.read(CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise Failure("unpacks_too_large", most=self._most)
                    chunks.append(chunk)
        except DAMAGE as error:
            raise Failure("broken") from error
        return b"".join(chunks)

    def xml(self, name: str) -> Any:
        """Return a part's root element. Entities are never expanded and nothing outside of the part is read.

        Raises:
            Failure: as for `read`; not XML, or with a document type, which the format forbids.
        """
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        try:
            root = etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            # an amplification that libxml2 stops shows as a syntax error too
            if is_out_of_memory(error):
                raise Failure("too_complex") from error
            raise Failure("has_entities" if "ntit" in str(error) else "broken") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise Failure("has_entities")
        return root

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """Return the parts that a part refers to: id to (last word of the relationship's type, name)."""
        folder, base = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{base}.rels")
        if not self.has(relations):
            return {}
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/"),
            )
            for each in self.xml(relations).iter(RELATIONSHIPS)
            if each.get("TargetMode") != "External"
        }

    def title(self) -> str:
        """Return the title in the document's properties, or ""."""
        if not self.has("docProps/core.xml"):
            return ""
        found = self.xml("docProps/core.xml").find(".//{http://purl.org/dc/elements/1.1/}title")
        return " ".join((found.text or "").split()) if found is not None else ""
