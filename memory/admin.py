from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import ResolverMatch, URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from accountability.queries import decisions_of_memory
from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.parts import BUTTON, ReadOnly, UncountedPaginator, drawn_once
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.admin import staff_actor
from memory.care_admin import ProposalAdmin
from memory.document_admin import DocumentAdmin
from memory.erasure.operations import forget
from memory.models import Erasure, Memory, MemoryLink, MemoryVersion
from memory.policy_admin import DerivedPolicyAdmin, RejectionPolicyAdmin
from memory.policy_types import Policy
from memory.quota_admin import QuotaAdmin
from memory.retention_admin import LegalHoldAdmin, RetentionRuleAdmin
from memory.search.service import prepare_search, search_prepared
from memory.search.types import SearchRequest
from memory.trust.corrections import confirm, contest, reject
from memory.trust.derived_memories import Derived

__all__ = [
    "DerivedPolicyAdmin",
    "DocumentAdmin",
    "ErasureAdmin",
    "LegalHoldAdmin",
    "MemoryAdmin",
    "ProposalAdmin",
    "QuotaAdmin",
    "RejectionPolicyAdmin",
    "RetentionRuleAdmin",
]  # fmt: skip

# search hits in the list; decisions on a memory's page, and newest decisions searched for uses of it
MAX_HITS, MAX_DECISIONS, SEARCHED_DECISIONS = 50, 20, 1_000
MAX_QUERY = 1_000

ACTIONS = {
    "confirm": "Confirm",
    "contest": "Contest",
    "reject": "Reject its value permanently",
    "erase": "Erase it and its copies",
}


class LinkInline(ReadOnly, TabularInline):
    model = MemoryLink
    fk_name = "memory"
    fields = ("kind", "target_external_id", "target")
    readonly_fields = fields
    extra = 0


class VersionInline(ReadOnly, TabularInline):
    model = MemoryVersion
    verbose_name_plural = "earlier versions, with the change that ended each"
    fields = (
        "version",
        "content",
        "metadata",
        "state",
        "known_from",
        "known_to",
        "operation",
        "reason",
        "who",
        "decision",
    )
    readonly_fields = fields
    ordering = ("-version",)
    extra = 0

    def who(self, version: MemoryVersion) -> str:
        return version.on_behalf_of or version.actor_id

    def decision(self, version: MemoryVersion) -> SafeString:
        url = reverse("admin:accountability_decisionrecord_change", args=[version.decision_id])
        return format_html('<a href="{}">record</a>', url)


@admin.register(Memory)
class MemoryAdmin(ReadOnly, ModelAdmin):
    list_display = ("__str__", "memory_type", "source", "state", "version", "embedding", "recorded_at")
    list_filter = ("state", "embedding")
    search_fields = ("=id", "=external_id", "=memory_type")
    search_help_text = "A search query, or an exact id, external id or type"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    inlines = (VersionInline, LinkInline)
    readonly_fields = ("corrections", "decisions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Memory]:
        # earlier texts are shown as versions of their memory
        return super().get_queryset(request).filter(head=None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = {
            "organisation",
            "head",
            "value",
            "stored_by",
            "text_version",
            "thread_id",
            "word_count",
            "term_count",
        }
        shown = [field.name for field in Memory._meta.concrete_fields if field.name not in hidden]
        return [*(["corrections"] if self._may(request, "change") else []), *shown, "decisions"]

    def prepare_page(self, request: HttpRequest, match: ResolverMatch) -> None:
        """Embed the list's search query before the transaction."""
        query = request.GET.get(SEARCH_VAR, "").replace("\x00", "").strip()[:MAX_QUERY]
        if match.url_name == "memory_memory_changelist" and query and self.has_view_permission(request):
            asked = SearchRequest(query, limit=MAX_HITS)
            request.prepared_search = prepare_search(opened(request).id, [query], asked)  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Memory], search_term: str
    ) -> tuple[QuerySet[Memory], bool]:
        """Search as the API does, best first and with a decision record, unless the term is an exact id or type."""
        named, duplicates = super().get_search_results(request, queryset, search_term)
        prepared = getattr(request, "prepared_search", None)
        if prepared is None or named.exists():
            return named, duplicates
        hits = search_prepared(prepared=prepared, by=staff_actor(request)).hits
        places = [When(id=hit.id, then=place) for place, hit in enumerate(hits)]
        found = queryset.filter(id__in=[hit.id for hit in hits])
        return found.order_by(Case(*places, default=MAX_HITS)), False

    @admin.display(description="Decisions")
    @drawn_once
    def decisions(self, memory: Memory) -> SafeString | str:
        """The decisions about and uses of the memory, newest first."""
        found = decisions_of_memory(
            organisation=memory.organisation_id,
            memory=memory.pk,
            limit=MAX_DECISIONS,
            newest=SEARCHED_DECISIONS,
        )
        if not found:
            return f"No decisions about it, and no uses among the newest {SEARCHED_DECISIONS:,} decisions."
        rows = format_html_join(
            "",
            '<tr><td><a href="{}">{}</a></td><td>{}</td><td>{}</td></tr>',
            (
                (
                    reverse("admin:accountability_decisionrecord_change", args=[each.pk]),
                    f"{each.recorded_at:%Y-%m-%d %H:%M:%S}",
                    each.operation,
                    each.on_behalf_of or f"{each.actor_kind} {each.actor_id}",
                )
                for each in found
            ),
        )
        return format_html(
            '<table aria-label="Decisions"><thead><tr><th scope="col">Time</th>'
            '<th scope="col">Operation</th><th scope="col">Actor</th></tr></thead>'
            "<tbody>{}</tbody></table><p>The newest {}. Searches are listed if among the newest {} decisions.</p>",
            rows,
            MAX_DECISIONS,
            f"{SEARCHED_DECISIONS:,}",
        )

    @admin.display(description="Actions")
    def corrections(self, memory: Memory) -> SafeString:
        """A reason, and buttons that submit the page's form to `correct`."""
        buttons = format_html_join(
            "",
            '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>{}</button>',
            (
                (BUTTON, reverse("admin:memory_memory_correct", args=[memory.pk, name]), label)
                for name, label in ACTIONS.items()
            ),
        )
        return format_html(
            '<input name="reason" maxlength="2000" placeholder="Reason (kept in the history)" '
            'aria-label="Reason" class="border border-base-200 rounded-default px-3 py-2 mb-2 w-full '
            'dark:border-base-700 dark:bg-base-900"><div>{}</div>',
            buttons,
        )

    def get_urls(self) -> list[URLPattern]:
        correct = self.admin_site.admin_view(self.correct)
        return [
            path("<id:memory>/correct/<slug:action>/", correct, name="memory_memory_correct"),
            *super().get_urls(),
        ]

    def correct(self, request: HttpRequest, memory: Any, action: str) -> HttpResponse:
        """Carry out an action, recorded as the signed-in user's."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may(request, "delete" if action == "erase" else "change"):
            raise PermissionDenied
        organisation = opened(request).id
        asked: dict[str, Any] = {
            "organisation": organisation,
            "by": staff_actor(request),
            "memory": memory,
            "reason": request.POST.get("reason", "").replace("\x00", "")[:2_000],
        }
        page = reverse("admin:memory_memory_change", args=[memory])
        try:
            if action == "erase":
                receipt = forget(**asked)
                self.message_user(
                    request, f"Erased. Receipt: {receipt.id}.{_derived_message(receipt.derived)}"
                )
                page = reverse("admin:memory_erasure_change", args=[receipt.id])
            elif action == "confirm":
                confirm(**asked, may_reinstate=True)
                self.message_user(request, "Confirmed.")
            elif action == "contest":
                contest(**asked)
                self.message_user(request, "Contested: still found, marked as contested.")
            elif action == "reject":
                changed = reject(**asked)
                others = len(changed.others)
                more = f" Other memories of the same value rejected: {others}." if others else ""
                more += _derived_message(changed.derived)
                self.message_user(request, f"Rejected: later writes of its value are refused.{more}")
            else:
                self.message_user(request, "Unknown action.", messages.ERROR)
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
        return HttpResponseRedirect(page)

    def _may(self, request: HttpRequest, what: str) -> bool:
        # has_change_permission is always False, because the form itself is read-only
        return request.user.has_perm(f"memory.{what}_memory")


def _derived_message(derived: Derived | None) -> str:
    """Return a sentence about derived memories that the policy changed, or ""."""
    if derived is None or not derived.changing:
        return ""
    done = "contested" if derived.policy is Policy.CONTEST else "hidden"
    return f" Derived memories {done}: {len(derived.changing)}."


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, ModelAdmin):
    list_display = ("memory_id", "recorded_at", "actor_kind", "actor_id", "on_behalf_of")
    search_fields = ("=id", "=memory_id")
    search_help_text = "Exact id of a receipt or memory"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    fields = (
        "id", "memory_id", "part_of", "recorded_at", "removed", "kept", "caches", "actor_kind", "actor_id", "on_behalf_of",
        "decision_id",
    )  # fmt: skip
