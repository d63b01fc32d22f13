"""Find texts that contain a rejected value, inside the writer's transaction.

Unlike for whole values there is no lock: a store checked before a rejection commits is not checked again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from memory.analysis.value_keys import form_key, hasher_of
from memory.analysis.values import normal_forms
from memory.analysis.windows import Shape, find_inside
from memory.policies import REJECTION_POLICY
from memory.policy_types import RejectedInside
from memory.rejection.tombstones import rejections_of
from memory.types import Rejection


def find_held(
    organisation: UUID,
    texts: Mapping[UUID, str],
    anchors: Mapping[Shape, Sequence[int]],
    scopes: Mapping[UUID, int],
) -> tuple[RejectedInside, dict[UUID, Rejection]]:
    """Return the organisation's policy, and the earliest rejection for each text that contains a rejected value.

    Args:
        organisation: the tenant.
        texts: by an id of the write.
        anchors: from `memory.rejection.tombstones.find_rejections`; if empty nothing is searched.
        scopes: access scopes by an id of the write.
    """
    if not anchors or not texts:
        return RejectedInside.ALLOW, {}
    read = [(write, form) for write, text in texts.items() for form in normal_forms(text)]
    parts = find_inside([form for _, form in read], anchors, hasher_of(organisation))
    keys = [(read[place][0], form_key(organisation, part)) for place, part in parts]
    if not keys:
        return RejectedInside.ALLOW, {}
    known = rejections_of(organisation, {key for _, key in keys})
    held: dict[UUID, Rejection] = {}
    for write, key in keys:
        rejection = known.within(key, scopes[write])
        if rejection is None:
            continue
        if write not in held or rejection.recorded_at < held[write].recorded_at:
            held[write] = rejection
    return (REJECTION_POLICY.get(organisation=organisation) if held else RejectedInside.ALLOW), held
