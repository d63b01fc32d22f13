"""The admin of quotas."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import CheckedLists
from liftos.kernel.db.transactions import tenant_transaction
from memory.models import QuotaRow
from memory.quotas.enforcement import read_usage
from memory.quotas.errors import UnknownOwner
from memory.quotas.operations import owner_of, set_quota
from memory.quotas.types import Quota, Usage


class QuotaForm(ModelForm):
    """A quota whose owner exists."""

    organisation_id: ClassVar[UUID | None] = None

    def clean_whose(self) -> str:
        """Return the owner as it is kept."""
        whose: str = self.cleaned_data["whose"]
        if self.organisation_id is None:
            return whose
        try:
            with tenant_transaction(self.organisation_id):
                owner = owner_of(self.organisation_id, whose)
                taken = QuotaRow.objects.filter(organisation_id=self.organisation_id, whose=owner).exists()
        except UnknownOwner as error:
            raise ValidationError(error.message) from error
        if taken and self.instance._state.adding:
            raise ValidationError("It has a quota; change that.")
        return owner


@admin.register(QuotaRow)
class QuotaAdmin(CheckedLists, ModelAdmin):
    """Quotas, with what is stored."""

    fields = ("whose", "memories", "bytes", "searches_per_day")
    list_display = ("whose", "memories", "bytes", "searches_per_day", "stored")
    ordering = ("whose",)

    @admin.display(description="Stored")
    def stored(self, obj: QuotaRow) -> str:
        """Return the owner's memories and bytes."""
        with tenant_transaction(obj.organisation_id):
            used = read_usage(obj.organisation_id, [obj.whose]).get(obj.whose, Usage())
        return f"{used.memories:,} memories, {used.bytes:,} bytes"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require an open organisation."""
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuotaRow]:
        """Return the open organisation's quotas."""
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the owner of an existing quota, which stays."""
        del request
        return ("whose",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return a form that knows the open organisation."""
        organisation = getattr(request, "organisation", None)
        shown = {"organisation_id": organisation.id if organisation is not None else None}
        kwargs["form"] = type("QuotaForm", (QuotaForm,), shown)
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: QuotaRow, form: ModelForm, change: bool) -> None:
        """Set the quota, as a decision."""
        del form, change
        obj.organisation = opened(request)
        self._set(request, obj, Quota(obj.memories, obj.bytes, obj.searches_per_day))
        row = QuotaRow.objects.filter(organisation_id=obj.organisation_id, whose=obj.whose).first()
        obj.pk = row.pk if row else obj.pk

    def delete_model(self, request: HttpRequest, obj: QuotaRow) -> None:
        """Remove the quota, as a decision."""
        self._set(request, obj, Quota())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[QuotaRow]) -> None:
        """Remove several."""
        for each in queryset:
            self.delete_model(request, each)

    def _set(self, request: HttpRequest, obj: QuotaRow, quota: Quota) -> None:
        set_quota(organisation=obj.organisation_id, by=staff_actor(request), whose=obj.whose, quota=quota)
