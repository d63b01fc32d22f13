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
from memory.erasure.operations import forget
from memory.models import Erasure, Memory, MemoryLink, MemoryVersion
from memory.policy_admin import DerivedPolicyAdmin, RejectionPolicyAdmin
from memory.policy_types import Policy
from memory.search.service import prepare_search, search_prepared
from memory.search.types import SearchRequest
from memory.trust.corrections import confirm, contest, reject
from memory.trust.derived import Derived

__all__ = ["DerivedPolicyAdmin", "ErasureAdmin", "MemoryAdmin", "RejectionPolicyAdmin"]

# of a search in the list; of the decisions on a memory's page, and how far back those that used it are looked for
FOUND, SHOWN, LOOKED_BACK = 50, 20, 1_000
LONGEST_QUERY = 1_000

ACTIONS = {
    "confirm": "Confirm",
    "contest": "Contest",
    "reject": "Reject its value for good",
    "erase": "Erase it and everything made from it",
}


class LinkInline(ReadOnly, TabularInline):
    model = MemoryLink
    fk_name = "memory"
    fields = ("kind", "target_external_id", "target")
    readonly_fields = fields
    extra = 0


class VersionInline(ReadOnly, TabularInline):
    model = MemoryVersion
    verbose_name_plural = "earlier versions, each with the change that ended it"
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
    search_help_text = "A question, or a whole id, external id or type"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    inlines = (VersionInline, LinkInline)
    readonly_fields = ("corrections", "decisions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Memory]:
        # an earlier text is shown among its memory's versions
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
        """Embed what the list of memories is searched for."""
        wording = request.GET.get(SEARCH_VAR, "").replace("\x00", "").strip()[:LONGEST_QUERY]
        if match.url_name == "memory_memory_changelist" and wording and self.has_view_permission(request):
            asked = SearchRequest(wording, limit=FOUND)
            request.prepared_search = prepare_search(opened(request).id, [wording], asked)  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Memory], search_term: str
    ) -> tuple[QuerySet[Memory], bool]:
        """Find by the search that everybody else uses, best first and on record, unless the term is an id or a type itself."""
        named, duplicates = super().get_search_results(request, queryset, search_term)
        prepared = getattr(request, "prepared_search", None)
        if prepared is None or named.exists():
            return named, duplicates
        hits = search_prepared(prepared=prepared, by=staff_actor(request)).hits
        places = [When(id=hit.id, then=place) for place, hit in enumerate(hits)]
        found = queryset.filter(id__in=[hit.id for hit in hits])
        return found.order_by(Case(*places, default=FOUND)), False

    @admin.display(description="Decisions")
    @drawn_once
    def decisions(self, memory: Memory) -> SafeString | str:
        """What was done with it, newest first."""
        found = decisions_of_memory(
            organisation=memory.organisation_id, memory=memory.pk, limit=SHOWN, newest=LOOKED_BACK
        )
        if not found:
            return f"None about it, and none among the newest {LOOKED_BACK:,} that used it."
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
            '<table aria-label="Decisions"><thead><tr><th scope="col">at</th>'
            '<th scope="col">what</th><th scope="col">by</th></tr></thead>'
            "<tbody>{}</tbody></table><p>The newest {}; searches among the last {} decisions.</p>",
            rows,
            SHOWN,
            f"{LOOKED_BACK:,}",
        )

    @admin.display(description="Correct")
    def corrections(self, memory: Memory) -> SafeString:
        """Buttons that send the page's own form elsewhere, with a reason."""
        buttons = format_html_join(
            "",
            '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>{}</button>',
            (
                (BUTTON, reverse("admin:memory_memory_correct", args=[memory.pk, name]), label)
                for name, label in ACTIONS.items()
            ),
        )
        return format_html(
            '<input name="reason" maxlength="2000" placeholder="Why? It stands in the history." '
            'aria-label="Reason" class="border border-base-200 rounded-default px-3 py-2 mb-2 w-full '
            'dark:border-base-700 dark:bg-base-900"><div>{}</div>',
            buttons,
        )

    def get_urls(self) -> list[URLPattern]:
        correct = self.admin_site.admin_view(self.correct)
        return [
            path("<id:memory>/correct/<slug:how>/", correct, name="memory_memory_correct"),
            *super().get_urls(),
        ]

    def correct(self, request: HttpRequest, memory: Any, how: str) -> HttpResponse:
        """Carry out a correction through its operation, on record as the signed-in person's."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may(request, "delete" if how == "erase" else "change"):
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
            if how == "erase":
                receipt = forget(**asked)
                made = _made_from_it(receipt.derived)
                self.message_user(request, f"Erased. The receipt is {receipt.id}.{made}")
                page = reverse("admin:memory_erasure_change", args=[receipt.id])
            elif how == "confirm":
                confirm(**asked, may_reinstate=True)
                self.message_user(request, "Confirmed.")
            elif how == "contest":
                contest(**asked)
                self.message_user(request, "Contested: it is still found, and marked.")
            elif how == "reject":
                changed = reject(**asked)
                others = len(changed.others)
                more = f" {others} other memories of the same value with it." if others else ""
                more += _made_from_it(changed.derived)
                self.message_user(request, f"Rejected: its value is refused from now on.{more}")
            else:
                self.message_user(request, "There is no such correction.", messages.ERROR)
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
        return HttpResponseRedirect(page)

    def _may(self, request: HttpRequest, what: str) -> bool:
        # has_change_permission says no to everybody: nothing is changed by the form itself
        return request.user.has_perm(f"memory.{what}_memory")


def _made_from_it(derived: Derived | None) -> str:
    """Return what is said of the memories that a policy changed."""
    if derived is None or not derived.changing:
        return ""
    done = "contested" if derived.policy is Policy.CONTEST else "hidden"
    return f" Derived memories {done}: {len(derived.changing)}."


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, ModelAdmin):
    list_display = ("memory_id", "recorded_at", "actor_kind", "actor_id", "on_behalf_of")
    search_fields = ("=id", "=memory_id")
    search_help_text = "Whole id of the receipt or the memory"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    fields = (
        "id", "memory_id", "part_of", "recorded_at", "removed", "kept", "caches", "actor_kind", "actor_id", "on_behalf_of",
        "decision_id",
    )  # fmt: skip
