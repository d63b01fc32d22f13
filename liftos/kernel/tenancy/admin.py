from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.forms import ModelForm, MultipleChoiceField, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from liftos.kernel.admin.middleware import PARAMETER, opened
from liftos.kernel.admin.on_record import OnRecord, staff_actor
from liftos.kernel.admin.parts import CheckedLists
from liftos.kernel.errors import InvalidInput
from liftos.kernel.tenancy import operations
from liftos.kernel.tenancy.member_admin import MembershipAdmin
from liftos.kernel.tenancy.models import ApiKey, Organisation
from liftos.kernel.tenancy.people_admin import BreakGlassAdmin, PrincipalAdmin, TeamAdmin
from liftos.kernel.tenancy.types import ALL_SCOPES, Scope

__all__ = [
    "ApiKeyAdmin", "BreakGlassAdmin", "GroupAdmin", "MembershipAdmin", "OrganisationAdmin", "PrincipalAdmin", "TeamAdmin",
    "UserAdmin", "staff_actor",
]  # fmt: skip


def organisation_choices(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the entries of the organisation drop-down, with the open one marked."""
    current = getattr(request, "organisation", None)
    return [
        {
            "icon": "check" if current is not None and each.id == current.id else "apartment",
            "title": each.name,
            "link": f"/admin/?{PARAMETER}={each.slug}",
        }
        for each in getattr(request, "organisations", [])
    ]


def open_organisation(request: HttpRequest) -> str:
    """Return the open organisation's name, shown below the site's name."""
    current = getattr(request, "organisation", None)
    return current.name if current is not None else "organisational memory"


class OrganisationForm(ModelForm):
    class Meta:
        model = Organisation
        fields = ("name",)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if not self.instance._state.adding:
            return name
        try:
            slug = operations.slug_of(name)
        except InvalidInput as error:
            raise ValidationError(str(error)) from None
        if Organisation.objects.filter(slug=slug).exists():
            raise ValidationError("An organisation with this name already exists.")
        return name


@admin.register(Organisation)
class OrganisationAdmin(OnRecord, ModelAdmin):
    form = OrganisationForm
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Organisation, form: ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = operations.create_organisation(name=obj.name, by=staff_actor(request))
        obj.pk, obj.slug = made.pk, made.slug

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except operations.OrganisationExists as error:
            # created by somebody else since the form was validated
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # create_organisation records this in the new organisation's log
        return ModelAdmin.log_addition(self, request, obj, message)

    def response_add(
        self, request: HttpRequest, obj: Organisation, post_url_continue: Any = None
    ) -> HttpResponse:
        self.message_user(request, f"{obj.name} was created and is open. Next, add members and an API key.")
        return HttpResponseRedirect(f"{reverse('admin:index')}?{PARAMETER}={obj.slug}")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        found = super().get_queryset(request)
        current = getattr(request, "organisation", None)
        # members must not see the names of other organisations
        return found if request.user.is_superuser else found.filter(id=current.id if current else None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ApiKeyForm(ModelForm):
    scopes = MultipleChoiceField(
        # keys that may act for anybody are given by the command create_api_key alone
        choices=[(scope.value, scope.value) for scope in Scope if scope is not Scope.ACT_AS],
        initial=sorted(ALL_SCOPES),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="ledger:follow alone creates a log token, for URLs at which monitors follow the log.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(CheckedLists, ModelAdmin):
    form = ApiKeyForm
    list_display = ("prefix", "name", "created_at", "last_used_at", "expires_at", "revoked_at")
    readonly_fields = ("prefix", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        made = ["prefix", "created_at", "last_used_at", "revoked_at"]
        return ["name", "scopes", "expires_at", *(made if obj is not None else [])]

    @admin.action(description="Revoke selected keys", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            operations.revoke_api_key(
                organisation=key.organisation_id, by=staff_actor(request), key=key.id, now=timezone.now()
            )
        self.message_user(request, "Revoked.")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm, change: bool) -> None:
        key, token = operations.create_api_key(
            organisation=opened(request).id,
            by=staff_actor(request),
            name=obj.name,
            scopes=frozenset(Scope(scope) for scope in form.cleaned_data["scopes"]),
            expires_at=obj.expires_at,
        )
        obj.pk = key.pk
        self.message_user(request, f"Copy the key now; it will not be shown again: {token}", messages.WARNING)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # keys are immutable: revoke one and create another
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(OnRecord, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(OnRecord, DjangoGroupAdmin, ModelAdmin):
    pass
