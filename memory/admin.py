from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from liftos.admin import ReadOnly, UncountedPaginator
from memory.models import Memory, MemoryLink


class LinkInline(ReadOnly, TabularInline):
    model = MemoryLink
    fk_name = "memory"
    fields = ("kind", "target_external_id", "target")
    readonly_fields = fields
    extra = 0


@admin.register(Memory)
class MemoryAdmin(ReadOnly, ModelAdmin):
    list_display = ("__str__", "memory_type", "source", "state", "embedding", "recorded_at")
    list_filter = ("state", "embedding")
    search_fields = ("=id", "=external_id", "=memory_type")
    search_help_text = "Whole id, external id or type"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    inlines = (LinkInline,)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in Memory._meta.concrete_fields if field.name != "organisation"]
