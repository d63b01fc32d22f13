"""Sorting and filtering of the review queue in the admin, restricted to what an index serves."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import QuerySet
from django.http import HttpRequest

from accountability.models.reviews import RANKS
from accountability.reviews.queries import COLUMNS, Order
from accountability.types import SETTLED, TO_DO, ReviewState
from liftos.kernel.admin.parts import CheckedChangeList

RISKS = {rank: risk.value for risk, rank in RANKS.items()}
_ORDERS = {
    "rank": Order.RISK,
    "sureness": Order.CONFIDENCE,
    "decision_id": Order.AGE,
    "decision_point": Order.DECISION_POINT,
}


class QueueChangeList(CheckedChangeList):
    """Sorts only by the orders that have an index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the order of the first requested column; settled reviews are listed newest first."""
        if request.GET.get(StateFilter.parameter_name) in [each.value for each in SETTLED]:
            return ["-decision_id"]
        requested = super().get_ordering(request, queryset) if ORDER_VAR in request.GET else ["rank"]
        first = str(requested[0]) if requested else "rank"
        order = _ORDERS.get(first.lstrip("-"), Order.RISK)
        sign = "-" if first.startswith("-") else ""
        return [f"{sign}{column}" for column in COLUMNS[order]]


class StateFilter(admin.SimpleListFilter):
    """Filters by state; by default the reviews that are still to do."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, each.value.replace("_", " ")) for each in ReviewState]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield choice | {"display": "to do"} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        to_do = [each.value for each in TO_DO]
        state = self.value()
        if not state:
            return queryset.filter(state__in=to_do)
        rows = queryset.filter(state=state)
        # repeats the condition of the partial indexes, which Postgres would not use otherwise
        return rows.filter(state__in=to_do) if state in to_do else rows.exclude(state__in=to_do)


class RiskFilter(admin.SimpleListFilter):
    title = "risk class"
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(rank), risk) for rank, risk in RISKS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rank = self.value()
        return queryset.filter(rank=int(rank)) if rank and rank in map(str, RISKS) else queryset


class AssignedFilter(admin.SimpleListFilter):
    title = "assigned"
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "to me"), ("nobody", "unassigned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "me":
            # the inequality is the condition of the partial index review_by_assignee
            return queryset.filter(assigned_to=request.user.get_username()).exclude(assigned_to="")
        return queryset.filter(assigned_to="") if self.value() == "nobody" else queryset
