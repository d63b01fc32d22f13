"""The codes of errors, which callers depend on: none may change or vanish, not even when its class is renamed."""

from importlib import import_module
from pkgutil import walk_packages

from liftos.kernel.errors import InvalidInput, LiftosError

APPS = ("liftos", "memory", "spaces", "workflows", "accountability")
# programs and what runs only within Django's own machinery
LEFT_OUT = ("migrations", "management", "bench", "gunicorn_conf", "worker")
CODES = {
    "accountability.decision_not_found", "accountability.entry_too_long", "accountability.invalid_size",
    "accountability.log_empty", "accountability.log_too_long", "accountability.no_such_tile",
    "accountability.not_integrated", "accountability.own_decision", "accountability.record_too_long",
    "accountability.reserved_operation", "accountability.review_forbidden",
    "accountability.unknown_parent", "embedding.dimension_mismatch", "embedding.unavailable",
    "liftos.answer_too_large", "liftos.bad_request", "liftos.body_too_large", "liftos.caller_gone",
    "liftos.conflict", "liftos.end_failed", "liftos.function_not_found", "liftos.idempotency_key_reused", "liftos.internal",
    "liftos.invalid_if_match", "liftos.invalid_input", "liftos.invalid_request",
    "liftos.delivery_not_found", "liftos.event_gone", "liftos.too_many_webhooks", "liftos.unknown_event_type", "liftos.webhook_not_found",
    "liftos.method_not_allowed", "liftos.not_authenticated", "liftos.not_found", "liftos.out_of_time",
    "liftos.permission_denied", "liftos.precondition_failed", "liftos.precondition_required",
    "liftos.rate_limited", "liftos.request_timeout", "liftos.still_held", "liftos.too_busy", "liftos.unavailable",
    "liftos.unsupported_encoding", "memory.bulk_job_not_found", "memory.erased",
    "memory.erasure_not_found", "memory.external_id_taken", "memory.hold_exists", "memory.hold_not_found", "memory.id_taken", "memory.invalid_filter",
    "memory.key_too_long", "memory.legally_held", "memory.link_not_found", "memory.link_target_unknown", "memory.links_to_itself", "memory.no_longer_allowed", "memory.not_found", "memory.state_forbids", "memory.rule_exists", "memory.rule_not_found", "memory.subject_not_found",
    "memory.unknown_source", "memory.value_rejected", "memory.version_mismatch",
    "observability.trace_not_found", "spaces.concept_not_found", "spaces.cyclic_relation",
    "spaces.invalid_concept", "spaces.invalid_dimension", "spaces.name_taken", "spaces.not_a_member",
    "spaces.positions_not_ready", "spaces.relation_not_found", "spaces.space_changed",
    "spaces.space_not_found", "spaces.unknown_concept", "spaces.unknown_dimension",
    "spaces.unknown_memory", "spaces.version_not_found", "tenancy.ambiguous_header", "tenancy.invalid_key",
    "tenancy.organisation_exists", "tenancy.organisation_not_found", "workflows.authority_lost",
    "workflows.faulty", "workflows.needs_review", "workflows.not_a_list", "workflows.not_published",
    "workflows.nothing_to_publish", "workflows.outbound_refused", "workflows.outbound_unavailable",
    "workflows.own_run", "workflows.refused", "workflows.run_not_found", "workflows.scope_missing",
    "workflows.secret_not_for_host", "workflows.secret_unknown", "workflows.secrets_unusable",
    "workflows.state_forbids", "workflows.step_not_found", "workflows.template_exists",
    "workflows.child_failed", "workflows.outside_a_run", "workflows.too_deep", "workflows.schedule_exists", "workflows.schedule_not_found", "workflows.template_not_found", "workflows.template_retired", "workflows.too_large", "workflows.trigger_exists", "workflows.trigger_not_found",
    "workflows.unresolvable",
}  # fmt: skip


def all_errors(base=LiftosError):
    for each in base.__subclasses__():
        if each.__module__.partition(".")[0] in APPS:
            yield each
            yield from all_errors(each)


def test_no_code_is_lost():
    for app in APPS:
        for found in walk_packages(import_module(app).__path__, f"{app}."):
            if not set(found.name.split(".")) & set(LEFT_OUT):
                import_module(found.name)
    assert CODES - {each.code for each in all_errors()} == set()


def test_code_is_named_after_app_and_class():
    class NothingOfThisKind(InvalidInput):
        __module__ = "elsewhere.errors"

    assert NothingOfThisKind.code == "elsewhere.nothing_of_this_kind"
    assert NothingOfThisKind().code == "elsewhere.nothing_of_this_kind"


def test_stated_code_survives_a_rename():
    class SomethingElse(InvalidInput):
        code = "spaces.as_before"

    assert SomethingElse.code == "spaces.as_before"
