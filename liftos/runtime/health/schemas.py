"""Wire shapes of health and readiness."""

from typing import Any

from pydantic import BaseModel


class HealthOut(BaseModel):
    """The contract's health answer."""

    status: str
    timestamp: str
    version: str
    dependencies: dict[str, str]
    uptime: float


class ReadyOut(BaseModel):
    """The contract's readiness answer."""

    status: str
    service: str
    timestamp: str
    checks: dict[str, Any]
