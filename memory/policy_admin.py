"""The policies for memories whose source no longer holds, and for erasures, in the admin."""

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
from memory.life import erasure_policy
from memory.life.derived_policy import set_policy
from memory.life.derived_types import Policy
from memory.life.erasure_types import Refuse, Wanted
from memory.models import DerivedPolicy, ErasurePolicy


class _PolicyAdmin(CheckedLists, ModelAdmin):
    """One row for each organisation; without it the default holds."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        # looked up here and not among the permissions, which every page asks for
        found = self.get_queryset(request).values_list("pk", flat=True).first()
        if found is None:
            return super().add_view(request, form_url, extra_context)
        return HttpResponseRedirect(reverse(f"admin:memory_{self.opts.model_name}_change", args=[found]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))


@admin.register(DerivedPolicy)
class DerivedPolicyAdmin(_PolicyAdmin):
    """What becomes of memories whose source no longer holds."""

    fields = ("policy",)
    list_display = ("__str__", "policy")

    def save_model(self, request: HttpRequest, obj: DerivedPolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        set_policy(organisation=obj.organisation_id, by=staff_actor(request), policy=Policy(obj.policy))


@admin.register(ErasurePolicy)
class ErasurePolicyAdmin(_PolicyAdmin):
    """What erasures remove and refuse."""

    fields = ("scrub_quotes", "refuse_erased_ids")
    list_display = ("__str__", "scrub_quotes", "refuse_erased_ids")

    def save_model(self, request: HttpRequest, obj: ErasurePolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        policy = Wanted(obj.scrub_quotes, Refuse(obj.refuse_erased_ids))
        erasure_policy.set_policy(organisation=obj.organisation_id, by=staff_actor(request), policy=policy)
