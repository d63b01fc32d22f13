"""The last calibration of each decision point, method and model version; the ledger records every one."""

from django.db import models

from liftos.kernel.tenancy.models import OwnedRow


class Calibration(OwnedRow):
    """The calibration of one decision point, confidence method and model version."""

    decision_point = models.CharField(max_length=100)
    confidence_method = models.CharField(max_length=100, blank=True)
    # hexadecimal SHA-256 of the versions' canonical text, which callers may make of any length
    version_key = models.CharField(max_length=64)
    versions = models.JSONField(default=dict)
    method = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    reviews = models.IntegerField()
    right = models.IntegerField()
    figures = models.JSONField(default=dict)
    decision_id = models.UUIDField()
    fitted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "decision_point", "confidence_method", "version_key"],
                name="calibration_once",
            ),
            models.CheckConstraint(
                condition=models.Q(method__in=["none", "platt", "isotonic"]), name="calibration_method_known"
            ),
        ]
        verbose_name = "calibration"
        verbose_name_plural = "calibration"

    def __str__(self) -> str:
        return f"{self.decision_point} by {self.confidence_method or 'no stated method'}"
