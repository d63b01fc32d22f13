"""The admin of principals, of groups with their members, and of break-glass."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import CheckedLists, drawn_as
from liftos.kernel.db.transactions import whole_tenant
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.errors import LiftosError
from liftos.kernel.ports import private_memories
from liftos.kernel.tenancy import break_glass, principals
from liftos.kernel.tenancy.models import BreakGlass, Group, Organisation, PrincipalRecord
from liftos.kernel.tenancy.others_sight import require_sight, require_sight_to_rename
from liftos.kernel.tenancy.scopes import scope_of_principal
from liftos.kernel.tenancy.types import Actor, PrincipalKind

NAMES = "Names, separated by commas or lines."


def split(text: str) -> list[str]:
    """Return the names in a text."""
    return list(dict.fromkeys(each.strip() for each in text.replace("\n", ",").split(",") if each.strip()))


class OfOrganisation(CheckedLists):
    """Mixin for rows of the open organisation whose operations record what they do."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return found.filter(organisation=getattr(request, "organisation", None))

    def has_add_permission(self, request: HttpRequest) -> bool:
        may: bool = super().has_add_permission(request)  # type: ignore[misc]
        return may and getattr(request, "organisation", None) is not None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        shown = {"organisation": getattr(request, "organisation", None), "by": staff_actor(request)}
        kwargs["form"] = type(self.form.__name__, (self.form,), shown)  # type: ignore[attr-defined]
        return super().get_form(request, obj, change, **kwargs)  # type: ignore[misc]


class NamedForm(forms.ModelForm):
    """A form of something with a name; `organisation` and `by` are set by the admin."""

    organisation: Organisation
    by: Actor

    def clean_name(self) -> str:
        try:
            name = principals.clean_name(str(self.cleaned_data["name"]))
            if not self.instance._state.adding and "name" in self.changed_data:
                require_sight_to_rename(by=self.by, whose=self.instance)
        except LiftosError as error:
            raise forms.ValidationError(error.message) from None
        others = type(self.instance).objects.filter(organisation=self.organisation, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("This name is taken.")
        return name

    def found(self, field: str, find: Any) -> list[Any]:
        """Return what the names in a field stand for."""
        try:
            return [
                find(organisation=self.organisation.id, named=each)
                for each in split(self.cleaned_data[field])
            ]
        except LiftosError as error:
            raise forms.ValidationError(error.message) from None

    def require_sight(self, groups: list[Group]) -> None:
        """Check that the member of staff, who would be in some groups, may see what is visible to them."""
        try:
            for each in groups:
                require_sight(by=self.by, whose=each)
        except LiftosError as error:
            raise forms.ValidationError(error.message) from None


def names_field(label: str) -> forms.CharField:
    """Return an optional field for several names."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})
    return forms.CharField(required=False, label=label, widget=widget, help_text=NAMES, max_length=200_000)


class PrincipalForm(NamedForm):
    belongs_to = names_field("Groups")

    class Meta:
        model = PrincipalRecord
        fields = ("name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            names = Group.objects.filter(members__principal=self.instance).values_list("name", flat=True)
            self.initial["belongs_to"] = "\n".join(names)

    def clean_belongs_to(self) -> list[Group]:
        groups = self.found("belongs_to", principals.find_group)
        if self.instance.pk == current_viewer().principal:
            self.require_sight(groups)
        return groups


@admin.register(PrincipalRecord)
class PrincipalAdmin(OfOrganisation, ModelAdmin):
    """People, agents and services, with their groups and keys."""

    form = PrincipalForm
    list_display = ("name", "kind", "group_count", "key_count", "recorded_at")
    list_filter = ("kind",)
    search_fields = ("name", "=id")
    readonly_fields = ("keys", "private_memories", "recorded_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrincipalRecord]:
        counts = {
            "_groups": Count("groups__group_id", distinct=True),
            "_keys": Count("api_keys", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "kind", "belongs_to"]
        form = ["belongs_to"] if self.has_change_permission(request, obj) else []
        return ["name", "kind", *form, "private_memories", "keys", "recorded_at"]

    @admin.display(description="Groups")
    def group_count(self, row: Any) -> int:
        return int(row._groups)

    @admin.display(description="Keys")
    def key_count(self, row: Any) -> int:
        return int(row._keys)

    @drawn_as("Memories that only it sees")
    def private_memories(self, row: PrincipalRecord) -> str:
        scope = scope_of_principal(organisation=row.organisation_id, principal=row.id)
        with whole_tenant(row.organisation_id):
            return f"{private_memories().count(row.organisation_id, scope):,}"

    @drawn_as("API keys")
    def keys(self, row: PrincipalRecord) -> SafeString | str:
        return (
            format_html_join(
                "",
                '<div><a href="{}">{}</a></div>',
                (
                    (
                        reverse("admin:tenancy_apikey_change", args=[each.pk]),
                        f"{each}{', revoked' if each.revoked_at else ''}",
                    )
                    for each in row.api_keys.all()
                ),
            )
            or "None"
        )

    def save_model(self, request: HttpRequest, obj: PrincipalRecord, form: Any, change: bool) -> None:
        named: dict[str, Any] = {"organisation": opened(request).id, "by": staff_actor(request)}
        kind, name = PrincipalKind(form.cleaned_data["kind"]), form.cleaned_data["name"]
        if not change:
            obj.pk = principals.create_principal(**named, name=name, kind=kind).pk
        elif {"name", "kind"} & set(form.changed_data):
            stored = PrincipalRecord.objects.get(pk=obj.pk)
            principals.rename_principal(**named, principal=stored, name=name, kind=kind)
        principal = PrincipalRecord.objects.get(pk=obj.pk)
        wanted = {each.pk: each for each in form.cleaned_data["belongs_to"]}
        current = {each.pk: each for each in Group.objects.filter(members__principal=principal)}
        for each in wanted.keys() - current.keys():
            principals.add_member(**named, group=wanted[each], principal=principal)
        for each in current.keys() - wanted.keys():
            principals.remove_member(**named, group=current[each], principal=principal)


class TeamForm(NamedForm):
    people = names_field("Members")

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            names = PrincipalRecord.objects.filter(groups__group=self.instance).values_list("name", flat=True)
            self.initial["people"] = "\n".join(names)

    def clean_people(self) -> list[PrincipalRecord]:
        people = self.found("people", principals.find_principal)
        if not self.instance._state.adding and current_viewer().principal in {each.pk for each in people}:
            self.require_sight([self.instance])
        return people


@admin.register(Group)
class TeamAdmin(OfOrganisation, ModelAdmin):
    """Groups, with their members in one field."""

    form = TeamForm
    list_display = ("name", "member_count", "recorded_at")
    search_fields = ("name", "=id")
    readonly_fields = ("members", "recorded_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(_members=Count("members__principal_id"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "people"]
        return ["name", "people" if self.has_change_permission(request, obj) else "members", "recorded_at"]

    @admin.display(description="Members")
    def member_count(self, row: Any) -> int:
        return int(row._members)

    @drawn_as("Members")
    def members(self, row: Group) -> str:
        names = PrincipalRecord.objects.filter(groups__group=row).values_list("name", flat=True)
        return ", ".join(names) or "None"

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        named: dict[str, Any] = {"organisation": opened(request).id, "by": staff_actor(request)}
        if not change:
            obj.pk = principals.create_group(**named, name=form.cleaned_data["name"]).pk
        elif "name" in form.changed_data:
            principals.rename_group(
                **named, group=Group.objects.get(pk=obj.pk), name=form.cleaned_data["name"]
            )
        group = Group.objects.get(pk=obj.pk)
        wanted = {each.pk: each for each in form.cleaned_data["people"]}
        current = {each.pk: each for each in PrincipalRecord.objects.filter(groups__group=group)}
        for each in wanted.keys() - current.keys():
            principals.add_member(**named, group=group, principal=wanted[each])
        for each in current.keys() - wanted.keys():
            principals.remove_member(**named, group=group, principal=current[each])


class BreakGlassForm(forms.ModelForm):
    """Whose, why and how long; `organisation` is set by the admin."""

    whose = forms.CharField(
        max_length=200,
        label="Principal or group",
        widget=UnfoldAdminTextInputWidget,
        help_text="By name. Opens what only this principal, or only this group, sees.",
    )
    reason = forms.CharField(
        min_length=break_glass.MIN_REASON,
        max_length=break_glass.MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept permanently, and read by everybody who reads decisions, the principal too.",
    )
    minutes = forms.IntegerField(min_value=1, initial=60, widget=UnfoldAdminIntegerFieldWidget)
    organisation: Organisation

    class Meta:
        model = BreakGlass
        fields = ("reason",)

    def clean_whose(self) -> Any:
        for find in (principals.find_principal, principals.find_group):
            try:
                return find(organisation=self.organisation.id, named=str(self.cleaned_data["whose"]).strip())
            except LiftosError:
                continue
        raise forms.ValidationError("No principal or group has that name.")

    def clean_minutes(self) -> int:
        minutes = int(self.cleaned_data["minutes"])
        if minutes > break_glass.most_minutes():
            raise forms.ValidationError(f"At most {break_glass.most_minutes()} minutes.")
        return minutes


@admin.register(BreakGlass)
class BreakGlassAdmin(OfOrganisation, ModelAdmin):
    """Break-glass: opened here, listed for everybody, ended by an action."""

    form = BreakGlassForm
    list_display = ("opened_at", "whose", "who", "until", "ended_at", "reason")
    list_select_related = ("principal", "group")
    fields = ("whose", "who", "reason", "opened_at", "until", "ended_at")
    readonly_fields = ("who", "opened_at", "until", "ended_at")
    actions = ("end",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["whose", "reason", "minutes"] if obj is None else list(self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else list(self.fields)

    @admin.display(description="Opened")
    def whose(self, row: BreakGlass) -> SafeString:
        return format_html("{} {}", "principal" if row.group is None else "group", row.principal or row.group)

    @admin.display(description="For")
    def who(self, row: BreakGlass) -> str:
        return f"{row.actor_kind} {row.actor_id}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # only the list's action changes anything
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: BreakGlass, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        made = break_glass.open_break_glass(
            organisation=opened(request).id,
            by=staff_actor(request),
            whose=asked["whose"],
            reason=asked["reason"],
            minutes=asked["minutes"],
            now=timezone.now(),
        )
        obj.pk, obj.principal, obj.group = made.pk, made.principal, made.group

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # recorded by the operation
        return None

    @admin.action(description="End selected break-glass", permissions=["add"])
    def end(self, request: HttpRequest, queryset: QuerySet[BreakGlass]) -> None:
        for each in queryset:
            break_glass.end_break_glass(
                organisation=opened(request).id, by=staff_actor(request), glass=each.pk, now=timezone.now()
            )
        self.message_user(request, "Ended.")
