"""The admin of an organisation's policies for memories."""

from typing import Any, ClassVar

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.one_each import OneEach
from liftos.kernel.admin.parts import CheckedLists
from memory.erasure import erasure_policy
from memory.models import DerivedPolicy, ErasurePolicy, RejectionPolicy, SecretsPolicy
from memory.policies import DERIVED_POLICY, REJECTION_POLICY, SECRETS_POLICY, OrganisationPolicy
from memory.policy_types import Refuse, Wanted


class _ChoiceAdmin(OneEach, CheckedLists, ModelAdmin):
    """A single-choice policy; the default applies without a row."""

    policy: ClassVar[OrganisationPolicy[Any]]
    fields = ("policy",)
    list_display = ("__str__", "policy")

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        self.policy.set(
            organisation=obj.organisation_id,
            by=staff_actor(request),
            policy=self.policy.choices(obj.policy),
        )


@admin.register(DerivedPolicy)
class DerivedPolicyAdmin(_ChoiceAdmin):
    """The policy for derived memories."""

    policy = DERIVED_POLICY


@admin.register(RejectionPolicy)
class RejectionPolicyAdmin(_ChoiceAdmin):
    """The policy for texts that contain a rejected value."""

    policy = REJECTION_POLICY


@admin.register(SecretsPolicy)
class SecretsPolicyAdmin(_ChoiceAdmin):
    """The policy for secrets."""

    policy = SECRETS_POLICY


@admin.register(ErasurePolicy)
class ErasurePolicyAdmin(OneEach, CheckedLists, ModelAdmin):
    """The policy for erasures."""

    fields = ("scrub_quotes", "refuse_erased_ids")
    list_display = ("__str__", "scrub_quotes", "refuse_erased_ids")

    def save_model(self, request: HttpRequest, obj: ErasurePolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        policy = Wanted(obj.scrub_quotes, Refuse(obj.refuse_erased_ids))
        erasure_policy.set_policy(organisation=obj.organisation_id, by=staff_actor(request), policy=policy)
