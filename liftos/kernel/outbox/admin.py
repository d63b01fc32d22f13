from django.contrib import admin
from unfold.admin import ModelAdmin

from liftos.kernel.admin.parts import ReadOnly, UncountedPaginator
from liftos.kernel.outbox.models import OutboxEvent


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnly, ModelAdmin):
    list_display = ("recorded_at", "type", "subject", "correlation_id")
    search_fields = ("=type", "=subject", "=correlation_id")
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
