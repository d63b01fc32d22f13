from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import OnRecord
from workflows.models import Policy


@admin.register(Policy)
class PolicyAdmin(OnRecord, ModelAdmin):
    list_display = ("__str__", "review_before_publish", "concurrency")
    fields = ("review_before_publish", "concurrency")

    def has_add_permission(self, request: HttpRequest) -> bool:
        if not super().has_add_permission(request) or getattr(request, "organisation", None) is None:
            return False
        # one policy per organisation; the query is skipped on other pages, which ask only for the menu
        return "/workflows/policy/" not in request.path or not Policy.objects.exists()

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        obj.organisation = opened(request)
        obj.save(force_insert=not change)
