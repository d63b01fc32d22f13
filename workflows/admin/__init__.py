"""Workflows in the admin: templates, runs, steps that need attention, and the organisation's policy."""

from workflows.admin.policies import PolicyAdmin
from workflows.admin.runs import RunAdmin
from workflows.admin.schedules import ScheduleAdmin, TickAdmin
from workflows.admin.steps import StepAdmin
from workflows.admin.templates import TemplateAdmin
from workflows.admin.triggers import FiringAdmin, TriggerAdmin

__all__ = [
    "FiringAdmin",
    "PolicyAdmin",
    "RunAdmin",
    "ScheduleAdmin",
    "StepAdmin",
    "TemplateAdmin",
    "TickAdmin",
    "TriggerAdmin",
]
