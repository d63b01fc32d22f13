"""How the queue is sorted and narrowed in the admin: only ways that an index serves, whatever its length."""

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
    """Sorts by the orders that have an index, whole, whichever column was asked for."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the columns of an order; of several asked for the first counts. What is settled is listed newest first."""
        if request.GET.get(StateFilter.parameter_name) in [each.value for each in SETTLED]:
            return ["-decision_id"]
        asked = super().get_ordering(request, queryset) if ORDER_VAR in request.GET else ["rank"]
        first = str(asked[0]) if asked else "rank"
        order = _ORDERS.get(first.lstrip("-"), Order.RISK)
        sign = "-" if first.startswith("-") else ""
        return [f"{sign}{column}" for column in COLUMNS[order]]


class StateFilter(admin.SimpleListFilter):
    """What is to do, unless something else is asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, each.value.replace("_", " ")) for each in ReviewState]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield choice | {"display": "to do"} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        to_do = [each.value for each in TO_DO]
        wanted = self.value()
        if not wanted:
            return queryset.filter(state__in=to_do)
        found = queryset.filter(state=wanted)
        # in the words of the partial indexes, which would not be used otherwise
        return found.filter(state__in=to_do) if wanted in to_do else found.exclude(state__in=to_do)


class RiskFilter(admin.SimpleListFilter):
    title = "risk class"
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(rank), risk) for rank, risk in RISKS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset.filter(rank=int(wanted)) if wanted and wanted in map(str, RISKS) else queryset


class AssignedFilter(admin.SimpleListFilter):
    title = "assigned"
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "to me"), ("nobody", "to nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "me":
            # the inequality lets the index of what is assigned be used
            return queryset.filter(assigned_to=request.user.get_username()).exclude(assigned_to="")
        return queryset.filter(assigned_to="") if self.value() == "nobody" else queryset
