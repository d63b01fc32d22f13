"""Texts that hold a rejected value among others, and what the organisation wants of them; inside the writer's transaction.

A store that has looked before a rejection commits is not looked at again: unlike for the value itself there is no lock.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from memory.analysis.value_keys import form_key, hasher_of
from memory.analysis.values import forms
from memory.analysis.windows import Shape, find_inside
from memory.policies import REJECTION_POLICY
from memory.policy_types import RejectedInside
from memory.rejection.tombstones import rejections_of
from memory.types import Rejection


def find_held(
    organisation: UUID, texts: Mapping[UUID, str], anchors: Mapping[Shape, Sequence[int]]
) -> tuple[RejectedInside, dict[UUID, Rejection]]:
    """Return the organisation's policy, and of each text that holds a rejected value its rejection; of several the earliest.

    Args:
        organisation: whose.
        texts: by any id of the write.
        anchors: from `memory.rejection.tombstones.find_rejections`; without any nothing is done.
    """
    if not anchors or not texts:
        return RejectedInside.ALLOW, {}
    read = [(write, form) for write, text in texts.items() for form in forms(text)]
    parts = find_inside([form for _, form in read], anchors, hasher_of(organisation))
    keys = [(read[place][0], form_key(organisation, part)) for place, part in parts]
    if not keys:
        return RejectedInside.ALLOW, {}
    known = rejections_of(organisation, {key for _, key in keys})
    held: dict[UUID, Rejection] = {}
    for write, key in keys:
        rejection = known.get(key)
        if rejection is None:
            continue
        if write not in held or rejection.recorded_at < held[write].recorded_at:
            held[write] = rejection
    return (REJECTION_POLICY.get(organisation=organisation) if held else RejectedInside.ALLOW), held
