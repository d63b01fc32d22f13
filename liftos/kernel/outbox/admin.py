from django.contrib import admin
from unfold.admin import ModelAdmin

from liftos.kernel.admin.parts import LongList
from liftos.kernel.outbox.models import OutboxEvent


@admin.register(OutboxEvent)
class OutboxEventAdmin(LongList, ModelAdmin):
    list_display = ("recorded_at", "type", "subject", "correlation_id")
    search_fields = ("=type", "=subject", "=correlation_id")
