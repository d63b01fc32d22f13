"""Reversal of a publication: the template is retired. Fills `accountability.ports.reversers`."""

from uuid import UUID

from accountability.ports import Overturned, Reversal
from workflows.models import TemplateVersion
from workflows.publishing.templates import retire
from workflows.types import VersionStatus


def retire_published(overturned: Overturned) -> Reversal:
    """Retire the template whose publication was overturned, unless it has since been retired or republished."""
    published = overturned.decision.outputs.get("version_id")
    newest = (
        TemplateVersion.objects.filter(
            organisation_id=overturned.organisation,
            template_id=overturned.decision.subject_id,
            status=VersionStatus.PUBLISHED,
        )
        .order_by("-number")
        .values_list("id", flat=True)
        .first()
    )
    if newest is None or str(newest) != published:
        return Reversal("workflow.retire", changed=0, left_alone=1)
    retire(
        organisation=overturned.organisation,
        by=overturned.by,
        template=UUID(overturned.decision.subject_id),
        parents=[overturned.review],
    )
    return Reversal("workflow.retire", changed=1)
