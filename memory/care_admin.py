"""The admin of proposals: two memories beside each other, accepted or declined by one click each."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import BUTTON, LongList, choice_filter, drawn_once
from liftos.kernel.errors import LiftosError
from memory.care.queries import Proposed, with_memories
from memory.care.resolving import accept, decline
from memory.care_types import Kind, ProposalState
from memory.models import Proposal

SETTLE = {"accept": accept, "decline": decline}


@admin.register(Proposal)
class ProposalAdmin(LongList, ModelAdmin):
    """Proposals, settled one by one or several at once."""

    list_display = ("__str__", "kind", "state", "confidence", "reason", "recorded_at")
    list_filter = (choice_filter("kind", Kind), choice_filter("state", ProposalState))
    list_per_page = 25
    fields = (
        "kind",
        "state",
        "confidence",
        "reason",
        "to_go",
        "stays",
        "recorded_at",
        "settled_at",
        "decision",
        "settle",
    )
    readonly_fields = ("to_go", "stays", "decision", "settle")
    actions = ("accept_chosen", "decline_chosen")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Return whether the member may change memories."""
        return request.user.has_perm("memory.change_memory")

    @admin.action(description="Accept", permissions=["settle"])
    def accept_chosen(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Accept the chosen proposals."""
        self._settle_all(request, queryset, "accept")

    @admin.action(description="Decline", permissions=["settle"])
    def decline_chosen(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Decline the chosen proposals."""
        self._settle_all(request, queryset, "decline")

    def _settle_all(self, request: HttpRequest, queryset: QuerySet[Proposal], what: str) -> None:
        done = 0
        for proposal in queryset.filter(state=ProposalState.OPEN.value).values_list("id", flat=True):
            done += self._settle(request, proposal, what)
        self.message_user(request, f"{done} proposals {'accepted' if what == 'accept' else 'declined'}.")

    def _settle(self, request: HttpRequest, proposal: Any, what: str) -> bool:
        reason = request.POST.get("reason", "").replace("\x00", "")[:2_000]
        try:
            SETTLE[what](
                organisation=opened(request).id,
                by=staff_actor(request),
                proposal=proposal,
                now=timezone.now(),
                reason=reason,
            )
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return False
        return True

    @admin.display(description="Memory to change")
    def to_go(self, proposal: Proposal) -> SafeString | str:
        """The memory that is superseded, expired or contested."""
        shown = self._shown(proposal)
        return _memory(shown.memory) if shown else "Not visible"

    @admin.display(description="Memory that stays")
    def stays(self, proposal: Proposal) -> SafeString | str:
        """The other memory, if there is one."""
        shown = self._shown(proposal)
        return _memory(shown.other) if shown and shown.other else "None"

    @admin.display(description="Decision")
    def decision(self, proposal: Proposal) -> SafeString:
        """The proposal's record."""
        url = reverse("admin:accountability_decisionrecord_change", args=[proposal.pk])
        return format_html('<a href="{}">record</a>', url)

    @admin.display(description="Actions")
    def settle(self, proposal: Proposal) -> SafeString | str:
        """A reason, and buttons that submit the page's form to `settle_one`."""
        if proposal.state != ProposalState.OPEN:
            return f"Already {proposal.state}."
        labels = {"accept": f"Accept: {Kind(proposal.kind).action}", "decline": "Decline"}
        buttons = format_html_join(
            "",
            '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>{}</button>',
            (
                (BUTTON, reverse("admin:memory_proposal_settle", args=[proposal.pk, name]), label)
                for name, label in labels.items()
            ),
        )
        return format_html(
            '<input name="reason" maxlength="2000" placeholder="Reason (kept on record)" aria-label="Reason" '
            'class="border border-base-200 rounded-default px-3 py-2 mb-2 w-full dark:border-base-700 dark:bg-base-900"><div>{}</div>',
            buttons,
        )

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs, with that of `settle_one`."""
        settle = self.admin_site.admin_view(self.settle_one)
        return [
            path("<id:proposal>/<slug:what>/settle/", settle, name="memory_proposal_settle"),
            *super().get_urls(),
        ]

    def settle_one(self, request: HttpRequest, proposal: Any, what: str) -> HttpResponse:
        """Accept or decline a proposal, recorded as the signed-in user's."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_settle_permission(request):
            raise PermissionDenied
        if what in SETTLE and self._settle(request, proposal, what):
            self.message_user(
                request, "Accepted." if what == "accept" else "Declined; it is never proposed again."
            )
            return HttpResponseRedirect(reverse("admin:memory_proposal_changelist"))
        return HttpResponseRedirect(reverse("admin:memory_proposal_change", args=[proposal]))

    @drawn_once
    def _shown(self, proposal: Proposal) -> Proposed | None:
        found = with_memories(proposal.organisation_id, [proposal])
        return found[0] if found else None


def _memory(side: Any) -> SafeString:
    url = reverse("admin:memory_memory_change", args=[side.id])
    return format_html('{}<br><a href="{}">{}, version {}</a>', side.content, url, side.state, side.version)
