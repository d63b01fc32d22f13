"""Cut scripts written without spaces into terms of one and two characters. Pure.

A character is what carries sound: in Thai, Lao, Khmer and Burmese a consonant with its vowels and marks. Words have two or three of
them, so that pairs find words without a dictionary.
"""

import re
from itertools import pairwise

from memory.analysis.scripts import MARKS

HAN_OR_KANA = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
SOUTH_EAST = "\u0e01-\u0e4e\u0e81-\u0eae\u0eb0-\u0ece\u0edc-\u0edf\u1000-\u103f\u104e-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd\ua9e0-\ua9fe\uaa60-\uaa7f"
UNSPACED = re.compile(f"[{HAN_OR_KANA}{SOUTH_EAST}]+")
HANGUL = re.compile("[\uac00-\ud7a3]{2,}")

_HAN = re.compile(f"[{HAN_OR_KANA}]+")
_KANJI = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_BEFORE, _AFTER = "\u0e40-\u0e44\u0ec0-\u0ec4", "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
# a vowel written before, a letter, letters joined below it, its marks, a vowel written after
_CLUSTER = re.compile(
    f"[{_BEFORE}]?[^{_BEFORE}{_AFTER}](?:[{MARKS}]|(?<=[\u1039\u17d2])[^\\s])*[{_AFTER}]*|."
)


def characters(run: str) -> list[str]:
    """Return the characters of a run in a script without spaces."""
    return list(run) if _HAN.match(run) else _CLUSTER.findall(run)


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run's characters; a single one as it is."""
    each = characters(run)
    return [one + other for one, other in pairwise(each)] if len(each) > 1 else each


def singles(run: str) -> list[str]:
    """Return the characters of a run that mean something alone: Chinese ones."""
    return _KANJI.findall(run) if len(run) > 1 else []
