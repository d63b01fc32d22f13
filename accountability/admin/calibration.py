"""Calibration reports: one page per decision point, method and model version."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accountability.admin.reliability_diagram import draw_reliability
from accountability.admin.review_parts import decision_page
from accountability.calibration.measures import Bin
from accountability.calibration.operations import calibrate
from accountability.calibration.recalibration import Recalibration
from accountability.models.calibration import Calibration
from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import ReadOnly, as_text, drawn_as


def _interval(measure: dict[str, float] | None) -> str:
    return (
        "-" if measure is None else f"{measure['value']:.3f} ({measure['low']:.3f} to {measure['high']:.3f})"
    )


@admin.register(Calibration)
class CalibrationAdmin(ReadOnly, ModelAdmin):
    list_display = ("decision_point", "confidence_method", "reviews", "right_share", "raw_error", "after_error", "method",
                    "fitted_at")  # fmt: skip
    ordering = ("-reviews",)
    list_before_template = "accountability/calibrate_button.html"
    readonly_fields = (
        "diagram", "raw_error", "after_error", "raw_brier", "after_brier", "tried", "right_share", "because", "record",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("decision_point", "confidence_method", "versions", "diagram", "method")}),
        ("Measures with 95% intervals", {"fields": ("raw_error", "after_error", "raw_brier", "after_brier", "tried")}),
        ("Data", {"fields": ("reviews", "right_share", "because", "fitted_at", "record")}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calibration]:
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))

    @drawn_as("Reliability")
    def diagram(self, row: Calibration) -> SafeString:
        bins = [Bin(**each) for each in row.figures["bins"]]
        return draw_reliability(bins, Recalibration(row.method, row.parameters))

    @admin.display(description="Calibration error, as stated")
    def raw_error(self, row: Calibration) -> str:
        return _interval(row.figures["raw"]["calibration_error"])

    @admin.display(description="Calibration error, recalibrated (cross-validated)")
    def after_error(self, row: Calibration) -> str:
        return _interval((row.figures.get("after") or {}).get("calibration_error"))

    @admin.display(description="Brier score, as stated")
    def raw_brier(self, row: Calibration) -> str:
        return _interval(row.figures["raw"]["brier"])

    @admin.display(description="Brier score, recalibrated (cross-validated)")
    def after_brier(self, row: Calibration) -> str:
        return _interval((row.figures.get("after") or {}).get("brier"))

    @admin.display(description="Cross-validated Brier score by method")
    def tried(self, row: Calibration) -> str:
        tried = row.figures.get("tried")
        return (
            ", ".join(f"{name} {value:.4f}" for name, value in tried.items()) if tried else "too few verdicts"
        )

    @admin.display(description="Approved")
    def right_share(self, row: Calibration) -> str:
        return f"{row.right / row.reviews:.0%}"

    @admin.display(description="Reasons for review")
    def because(self, row: Calibration) -> SafeString:
        return as_text(row.figures["because"])

    @admin.display(description="Record")
    def record(self, row: Calibration) -> SafeString:
        return format_html('<a href="{}">{}</a>', decision_page(row.decision_id), row.decision_id)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"may_calibrate": self._may(request)} | (extra_context or {})
        return super().changelist_view(request, shown)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calibrate_now)
        return [path("again/", view, name="accountability_calibration_again"), *super().get_urls()]

    def calibrate_now(self, request: HttpRequest) -> HttpResponse:
        """Recalibrate from the current verdicts."""
        if not self._may(request) or getattr(request, "organisation", None) is None:
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rows = calibrate(organisation=opened(request).id, by=staff_actor(request), now=timezone.now())
        if rows:
            self.message_user(request, f"Calibrated {len(rows)} groups.", messages.SUCCESS)
        else:
            text = "No decision with a stated confidence has been approved or overturned yet."
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:accountability_calibration_changelist"))

    def _may(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accountability.change_calibration")
