"""The admin of an organisation's members: staff accounts, their roles, and whom they are among its people."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import OnRecord, staff_actor
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.members import check_link, link_member
from liftos.kernel.tenancy.models import Membership, Organisation, PrincipalRecord
from liftos.kernel.tenancy.principals import find_principal
from liftos.kernel.tenancy.types import Actor


class MembershipForm(ModelForm):
    """A member; `organisation` and `by` are set by the admin."""

    username = CharField(
        max_length=150, help_text="Of an existing staff account.", widget=UnfoldAdminTextInputWidget
    )
    person = CharField(
        max_length=200,
        required=False,
        label="Principal",
        widget=UnfoldAdminTextInputWidget,
        help_text="The person that this member is, by name. The member sees this person's private memories and those of their groups."
        " Left empty, the member sees only what everybody in the organisation may see.",
    )
    organisation: Organisation
    by: Actor

    class Meta:
        model = Membership
        fields = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("username", None)
            self.initial["person"] = self.instance.principal.name if self.instance.principal else ""

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        user = User.objects.filter(username=name, is_staff=True).first()
        if user is None:
            raise ValidationError("No staff account has this user name.")
        if Membership.objects.filter(user=user, organisation=self.organisation).exists():
            raise ValidationError("This account is already a member.")
        self.instance.user, self.instance.organisation = user, self.organisation
        return name

    def clean_person(self) -> PrincipalRecord | None:
        name = str(self.cleaned_data["person"]).strip()
        if not name:
            return None
        try:
            person = find_principal(organisation=self.organisation.id, named=name)
            if self.instance.user_id is not None:
                check_link(by=self.by, membership=self.instance, principal=person)
        except LiftosError as error:
            raise ValidationError(error.message) from None
        return person


@admin.register(Membership)
class MembershipAdmin(OnRecord, ModelAdmin):
    """Members of the open organisation."""

    form = MembershipForm
    list_display = ("user", "role", "principal", "organisation")
    list_select_related = ("user", "organisation", "principal")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["username", "role", "person"]
        return ["user", "role", "person" if self.has_change_permission(request, obj) else "principal"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["user", "principal"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        shown = {"organisation": getattr(request, "organisation", None), "by": staff_actor(request)}
        kwargs["fields"] = ["role"]
        kwargs["form"] = type("MembershipForm", (MembershipForm,), shown)
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: ModelForm, change: bool) -> None:
        if not change:
            obj.organisation = opened(request)
        super().save_model(request, obj, form, change)
        link_member(by=staff_actor(request), membership=obj, principal=form.cleaned_data["person"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None
