"""Changes of webhooks; each is a decision, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.ids import new_id
from liftos.kernel.outbound import AllowedHosts, OutboundRefused
from liftos.kernel.outbound.client import check_url
from liftos.kernel.outbox.catalogue import event_types, unknown_patterns
from liftos.kernel.outbox.models import Delivery, OutboxEvent, Webhook
from liftos.kernel.outbox.statements import READ_LAST
from liftos.kernel.outbox.webhooks.errors import EventGone, TooManyWebhooks, UnknownEventType
from liftos.kernel.outbox.webhooks.queries import get_delivery, get_webhook
from liftos.kernel.outbox.webhooks.signing import new_salt
from liftos.kernel.outbox.webhooks.statements import HURRY, NOW
from liftos.kernel.ports import decision_recorder, memory_filters
from liftos.kernel.suggestions import unknown
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal

MAX_WEBHOOKS = 100
"""Maximum number of an organisation's webhooks."""
MAX_OVERLAP_HOURS = 24 * 30
PING = "liftos.webhook.ping"
"""The type of the event that a ping sends."""
_OF_URL = ("url", "events", "filters")


@dataclass(frozen=True, slots=True)
class WebhookDraft:
    """A webhook as its owner wants it."""

    url: str
    events: tuple[str, ...]
    filters: Any = None
    description: str = ""


def check_draft(draft: WebhookDraft) -> None:
    """Check a webhook before it is written.

    Raises:
        OutboundRefused: the URL is invalid or its host is not allowed.
        UnknownEventType: a type of the product's own does not exist.
        InvalidInput: the filters are invalid.
    """
    try:
        check_url(draft.url, allowed_hosts())
    except OutboundRefused as error:
        raise InvalidInput(error.message, loc=("url",)) from error
    missing = set(unknown_patterns(draft.events))
    for place, each in enumerate(draft.events):
        if each in missing:
            raise UnknownEventType(unknown("event type", each, event_types()), loc=("events", place))
    if draft.filters is not None:
        memory_filters().check(draft.filters)


def allowed_hosts() -> AllowedHosts:
    """Return the hosts that may be called."""
    return AllowedHosts(settings.LIFTOS_HTTP_ALLOWED_HOSTS, settings.LIFTOS_HTTP_PRIVATE_HOSTS)


def create_webhook(*, principal: Principal, draft: WebhookDraft) -> Webhook:
    """Create a webhook, which receives what its creator may see, from now on.

    Raises:
        TooManyWebhooks: the organisation has MAX_WEBHOOKS.
        InvalidInput: see `check_draft`.
    """
    check_draft(draft)
    organisation = principal.organisation
    with _observed("create", organisation), tenant_transaction(organisation):
        if Webhook.objects.filter(organisation_id=organisation).count() >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"An organisation may have {MAX_WEBHOOKS} webhooks.")
        row = Webhook(
            organisation_id=organisation, since=read_value(READ_LAST, [organisation]) or 0, salt=new_salt()
        )
        _write(row, principal, draft)
        row.save(force_insert=True)
        row.refresh_from_db()
        _record(principal, row, "create", f"Created a webhook for {', '.join(row.events)[:500]}.")
    return row


def change_webhook(*, principal: Principal, webhook: UUID, changes: dict[str, Any]) -> Webhook:
    """Change a webhook's URL, types, filters or description. From now on it has the authority of whoever changed it.

    Raises:
        WebhookNotFound: there is none in this organisation.
        InvalidInput: see `check_draft`.
    """
    organisation = principal.organisation
    with _observed("change", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        draft = WebhookDraft(
            changes.get("url", row.url),
            tuple(changes.get("events", row.events)),
            changes.get("filters", row.filters),
            changes.get("description", row.description),
        )
        if any(name in changes for name in _OF_URL):
            check_draft(draft)
        _write(row, principal, draft)
        if "url" in changes:
            _start_again(row)
        row.save()
        _record(principal, row, "change", f"Changed the webhook's {', '.join(sorted(changes))}.")
    return row


def delete_webhook(*, principal: Principal, webhook: UUID) -> None:
    """Delete a webhook and its log of deliveries.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("delete", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        _record(principal, row, "delete", "Deleted the webhook.")
        row.delete()


def rotate_secret(*, principal: Principal, webhook: UUID, overlap_hours: float) -> Webhook:
    """Give a webhook a new secret; messages are signed with the former one too until the overlap has passed.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("rotate", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        row.former_salt, row.salt = row.salt, new_salt()
        row.former_until = timezone.now() + timedelta(hours=overlap_hours)
        row.save(update_fields=["former_salt", "salt", "former_until"])
        _record(principal, row, "rotate", f"Replaced the secret; both are used for {overlap_hours:g} hours.")
    return row


def pause_webhook(*, principal: Principal, webhook: UUID) -> Webhook:
    """Stop sending; events wait. Pausing again has no effect.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("pause", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        if row.paused_at is None:
            row.paused_at = timezone.now()
            row.save(update_fields=["paused_at"])
            _record(principal, row, "pause", "Paused the webhook.")
    return row


def resume_webhook(*, principal: Principal, webhook: UUID) -> Webhook:
    """Send again, also if the receiver had disabled it (410); what waits is tried at once.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("resume", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        _start_again(row)
        row.paused_at = row.disabled_at = None
        row.save(update_fields=["paused_at", "disabled_at", "failures", "due_at"])
        _record(principal, row, "resume", "Resumed the webhook.")
    return row


def ping_webhook(*, principal: Principal, webhook: UUID) -> Delivery:
    """Queue a test event for a webhook; return its delivery.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("ping", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        made = Delivery.objects.create(
            organisation_id=organisation,
            webhook=row,
            event_id=new_id(),
            sequence=read_value(READ_LAST, [organisation]) or 0,
            type=PING,
            # of its own: a ping waits for nothing
            subject=f"webhooks/{row.id}/{new_id()}",
        )
        made.refresh_from_db()
        Webhook.objects.filter(organisation_id=organisation, id=row.id).update(due_at=read_value(NOW))
        _record(principal, row, "ping", "Sent a test event.")
    return made


def replay_delivery(*, principal: Principal, webhook: UUID, delivery: UUID) -> Delivery:
    """Queue a delivery's event again; return the new delivery.

    Raises:
        WebhookNotFound, DeliveryNotFound: there is none in this organisation that the caller sees.
        EventGone: the event is no longer kept.
    """
    organisation = principal.organisation
    with _observed("replay", organisation), tenant_transaction(organisation):
        row = get_webhook(organisation=organisation, webhook=webhook, lock=True)
        of = get_delivery(organisation=organisation, webhook=webhook, delivery=delivery)
        if (
            of.type != PING
            and not OutboxEvent.objects.filter(organisation_id=organisation, id=of.event_id).exists()
        ):
            raise EventGone
        made = Delivery.objects.create(
            organisation_id=organisation,
            webhook=row,
            event_id=of.event_id,
            sequence=of.sequence,
            type=of.type,
            subject=of.subject,
            scope_id=of.scope_id,
        )
        made.refresh_from_db()
        Webhook.objects.filter(organisation_id=organisation, id=row.id).update(due_at=read_value(NOW))
        _record(principal, row, "replay", f"Sent the event {of.event_id} again.")
    return made


def _write(row: Webhook, principal: Principal, draft: WebhookDraft) -> None:
    row.url, row.description = draft.url, draft.description
    row.events, row.filters = list(draft.events), draft.filters
    row.owner_kind, row.owner_id = str(principal.actor.kind), principal.actor.id
    row.acts_as, row.groups = principal.viewer.principal, principal.viewer.listed_groups
    row.scopes = sorted(str(each) for each in principal.scopes)


def _start_again(row: Webhook) -> None:
    row.failures, row.due_at = 0, read_value(NOW)
    raw_cursor().execute(HURRY, [row.organisation_id, row.id])


def _observed(verb: str, organisation: UUID) -> Any:
    return observe_operation(f"webhook.{verb}", organisation=str(organisation))


def _record(principal: Principal, row: Webhook, verb: str, reasoning: str) -> None:
    host = row.url.partition("://")[2].partition("/")[0]
    types: Sequence[str] = row.events
    decision_recorder()(
        organisation=principal.organisation,
        by=principal.actor,
        operation=f"webhook.{verb}",
        effect="delete" if verb == "delete" else "write",
        risk_class="limited",
        subject=("webhook", str(row.id)),
        reasoning=reasoning,
        inputs={"host": host, "events": list(types)},
    )
