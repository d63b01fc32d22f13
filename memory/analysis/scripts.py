"""Scripts: the writing systems of a text, told by Unicode block. Pure."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable

# first code point, last, script; the letters' blocks of the scripts that are told apart
_BLOCKS = (
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0531, 0x058F, "armenian"),
    (0x0591, 0x05F4, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0x0780, 0x07BF, "thaana"),
    (0x08A0, 0x08FF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"),
    (0x0A00, 0x0A7F, "gurmukhi"),
    (0x0A80, 0x0AFF, "gujarati"),
    (0x0B00, 0x0B7F, "oriya"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x0C00, 0x0C7F, "telugu"),
    (0x0C80, 0x0CFF, "kannada"),
    (0x0D00, 0x0D7F, "malayalam"),
    (0x0D80, 0x0DFF, "sinhala"),
    (0x0E00, 0x0E7F, "thai"),
    (0x0E80, 0x0EFF, "lao"),
    (0x0F00, 0x0FFF, "tibetan"),
    (0x1000, 0x109F, "myanmar"),
    (0x10A0, 0x10FF, "georgian"),
    (0x1100, 0x11FF, "hangul"),
    (0x1200, 0x139F, "ethiopic"),
    (0x1780, 0x17FF, "khmer"),
    (0x1F00, 0x1FFF, "greek"),
    (0x3005, 0x3007, "han"),
    (0x3040, 0x30FF, "kana"),
    (0x3130, 0x318F, "hangul"),
    (0x31F0, 0x31FF, "kana"),
    (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"),
    (0xA960, 0xA97F, "hangul"),
    (0xAA60, 0xAA7F, "myanmar"),
    (0xAC00, 0xD7FF, "hangul"),
    (0xF900, 0xFAFF, "han"),
    (0xFB1D, 0xFB4F, "hebrew"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFC, "arabic"),
    (0xFF66, 0xFF9F, "kana"),
    (0x20000, 0x3FFFF, "han"),
)


def _runs(codes: Iterable[int]) -> str:
    """Return code points as the ranges of a character class."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


# combining marks and vowel signs, which Python's \w lacks; variation selectors are no part of a word
MARKS = _runs(
    code
    for code in range(0x300, 0x1E950)
    if unicodedata.category(chr(code)) in {"Mn", "Mc"} and not 0xFE00 <= code <= 0xFE0F
)
# capital and title-case letters
CAPITALS = _runs(code for code in range(0x41, 0x1E950) if unicodedata.category(chr(code)) in {"Lu", "Lt"})
_STARTS = [block[0] for block in _BLOCKS]
# letters of any other script than Latin
_FOREIGN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last, _ in _BLOCKS)}]")
_ASCII_OR_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def main_script(text: str) -> str:
    """Return the script of most of a text's letters, "latin" also where it has none; Chinese characters beside kana are "kana"."""
    if text.isascii():
        return "latin"
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return "latin"
    counts: dict[str, int] = {}
    for character in foreign:
        place = _BLOCKS[bisect_right(_STARTS, ord(character)) - 1][2]
        counts[place] = counts.get(place, 0) + 1
    # Chinese and Japanese words are shorter in characters than those of the Latin names and codes among them
    latin = len(_ASCII_OR_LATIN.findall(text))
    script, most = max(counts.items(), key=lambda each: (each[1], each[0]))
    if "kana" in counts and script == "han" and counts["kana"] * 10 >= most:
        script = "kana"
    weight = 3 if script in {"han", "kana", "hangul"} else 1
    return script if weight * len(foreign) >= latin else "latin"
