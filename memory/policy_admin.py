"""The policy for memories whose source no longer holds, in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from liftos.admin import CheckedLists
from liftos.tenancy.admin_middleware import opened
from liftos.tenancy.on_record import staff_actor
from memory.life.derived_policy import set_policy
from memory.life.derived_types import Policy
from memory.models import DerivedPolicy


@admin.register(DerivedPolicy)
class DerivedPolicyAdmin(CheckedLists, ModelAdmin):
    """One row for each organisation; without it the default holds."""

    fields = ("policy",)
    list_display = ("__str__", "policy")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        # looked up here and not among the permissions, which every page asks for
        found = self.get_queryset(request).values_list("pk", flat=True).first()
        if found is None:
            return super().add_view(request, form_url, extra_context)
        return HttpResponseRedirect(reverse("admin:memory_derivedpolicy_change", args=[found]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DerivedPolicy]:
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))

    def save_model(self, request: HttpRequest, obj: DerivedPolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        set_policy(organisation=obj.organisation_id, by=staff_actor(request), policy=Policy(obj.policy))
