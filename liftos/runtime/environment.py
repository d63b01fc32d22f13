"""Environment variables, parsed and validated; `liftos/settings.py` makes them settings.

docs/settings.md describes each variable. An empty one counts as unset. Values that only an app can validate (trace options,
rate limits, lifetimes, hosts, templates) are plain text here and validated by the app's system checks.
"""

import ipaddress
import json
import os
from collections.abc import Mapping
from typing import Annotated, Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class InvalidEnvironment(ImproperlyConfigured):
    """One or more variables are invalid; the message has a sentence about each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _split(text: Any) -> Any:
    return [item.strip() for item in text.split(",") if item.strip()] if isinstance(text, str) else text


def _networks(text: Any) -> list[Network]:
    return [ipaddress.ip_network(item) for item in _split(text)]


def _headers(text: Any) -> dict[str, str]:
    items = [item.partition("=") for item in _split(text)]
    if not all(name.strip() and equals for name, equals, _ in items):
        raise ValueError("a header without a name or without =")
    return {name: value for name, _, value in items}


def _origins(items: list[str]) -> list[str]:
    if not all("://" in item or item == "null" for item in items):
        raise ValueError("an origin without its scheme")
    return items


def _postgres(url: str) -> str:
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError("no connection string") from None
    return url


def _redis(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("no address of a Redis")
    return url


def _broker(url: str) -> str:
    if "://" not in url:
        raise ValueError("no address")
    return url


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


def _level(text: str) -> str:
    if text.upper() not in {"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"}:
        raise ValueError("no level")
    return text.upper()


# descriptions complete the error message "NAME must be …"; `repr=False` keeps the value out of it
Flag = Annotated[bool, Field(description="1, true, yes or on, or 0, false, no or off")]
Count = Annotated[int, Field(ge=0, le=2**53, description="a whole number from 0")]
Some = Annotated[int, Field(ge=1, le=2**53, description="a whole number from 1")]
Port = Annotated[int, Field(ge=0, le=65_535, description="a port, 0 to 65535")]
Share = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]
Seconds = Annotated[float, Field(ge=0, le=1e9, description="a number of seconds, 0 to 1e9")]
Interval = Annotated[float, Field(gt=0, le=1e9, description="a number of seconds above 0, up to 1e9")]
Hours = Annotated[float, Field(gt=0, le=1e6, description="a number of hours above 0, up to 1e6")]
Days = Annotated[float, Field(ge=0, le=1e5, description="a number of days, 0 to 1e5")]
Items = Annotated[list[str], BeforeValidator(_split), Field(description="a comma-separated list")]
Origins = Annotated[
    list[str],
    BeforeValidator(_split),
    AfterValidator(_origins),
    Field(description="a comma-separated list of origins with their scheme, such as https://app.example.com"),
]
Networks = Annotated[
    list[Network],
    BeforeValidator(_networks),
    Field(description="a comma-separated list of networks, such as 10.0.0.0/8"),
]
Headers = Annotated[
    dict[str, str],
    BeforeValidator(_headers),
    Field(repr=False, description="a comma-separated list of name=value"),
]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_json), Field(repr=False, description="a JSON object")]
JsonValue = Annotated[Any, BeforeValidator(_json), Field(description="JSON")]
PostgresUrl = Annotated[
    str,
    AfterValidator(_postgres),
    Field(repr=False, description="an address such as postgresql://role:password@host:5432/database"),
]
RedisUrl = Annotated[
    str,
    AfterValidator(_redis),
    Field(repr=False, description="an address that begins with redis://, rediss:// or unix://"),
]
BrokerUrl = Annotated[
    str, AfterValidator(_broker), Field(repr=False, description="an address such as redis://host:6379/0")
]
Secret = Annotated[str, Field(repr=False, description="a text")]
LogLevel = Annotated[
    str, AfterValidator(_level), Field(description="one of CRITICAL, ERROR, WARNING, INFO, DEBUG")
]


class Environment(BaseModel):
    """Every variable with its default; "" means unset where the default depends on other variables."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # processes
    LIFTOS_HOME: str = ""
    LIFTOS_BIND: str = "127.0.0.1"
    LIFTOS_PORT: Port = 8003
    LIFTOS_DEBUG: Flag = False
    LIFTOS_SECRET_KEY: Secret = ""
    LIFTOS_LOG_LEVEL: LogLevel = ""
    LIFTOS_WEB_WORKERS: Some = 1
    LIFTOS_WEB_THREADS: Some = 16
    LIFTOS_WEB_SHARE: Share = 0.75
    LIFTOS_WEB_COSTLY: Some = 1
    LIFTOS_WORKER_CONCURRENCY: Some = 10
    LIFTOS_HEADER_SECONDS: Interval = 10.0
    LIFTOS_BODY_SECONDS: Interval = 30.0
    LIFTOS_QUEUE_SECONDS: Seconds = 30.0
    LIFTOS_REQUEST_SECONDS: Interval = 120.0
    LIFTOS_CONNECTIONS_PER_ADDRESS: Count = 1000
    LIFTOS_SPOOL_DIR: str = ""
    LIFTOS_MAX_SPOOL_BYTES: Count = 1024 * 1024 * 1024
    # in one document: parsed, each takes some hundred times its two bytes
    LIFTOS_MAX_JSON_VALUES: Some = 100_000
    LIFTOS_MAX_BATCH_VALUES: Some = 1_000_000

    # servers
    DATABASE_URL: PostgresUrl = ""
    LIFTOS_OWNER_DATABASE_URL: PostgresUrl = ""
    LIFTOS_DB_POOL_SIZE: Some = 20
    LIFTOS_DB_POOL_TIMEOUT: Seconds = 5.0
    LIFTOS_DB_PREPARE_AFTER: Count = 2
    LIFTOS_STATEMENT_SECONDS: Seconds = 0.0
    LIFTOS_MIGRATE_LOCK_SECONDS: Seconds = 10.0
    REDIS_URL: RedisUrl = ""
    LIFTOS_BROKER_URL: BrokerUrl = ""
    LIFTOS_SWEEP_SECONDS: Interval = 30.0

    # callers
    LIFTOS_API_KEY: Secret = ""
    LIFTOS_TRUSTED_PROXIES: Networks = []
    LIFTOS_TRUSTED_PROXY_SECRET: Secret = ""
    LIFTOS_TRUSTED_CREATE: Flag = False
    LIFTOS_USER_IS_PRINCIPAL: Flag = False
    LIFTOS_TRUSTED_DEFAULT_ORG: str = ""
    LIFTOS_ALLOWED_HOSTS: Items = ["localhost", "127.0.0.1", "[::1]", "testserver"]
    LIFTOS_TRUSTED_ORIGINS: Origins = []
    LIFTOS_CORS_ORIGINS: Origins = ["http://localhost:3000"]
    LIFTOS_HTTPS: Flag = False
    LIFTOS_BEHIND_TLS_PROXY: Flag = False
    LIFTOS_MAX_BODY_BYTES: Count = 4 * 1024 * 1024
    LIFTOS_MAX_ANSWER_BYTES: Count = 16 * 1024 * 1024
    LIFTOS_MAX_BATCH_BYTES: Count = 32 * 1024 * 1024
    LIFTOS_MAX_BULK_BYTES: Count = 256 * 1024 * 1024
    LIFTOS_RATE_LIMIT_KEY: str = "12000/minute"
    LIFTOS_RATE_LIMIT_ORGANISATION: str = ""
    LIFTOS_STATIC_ROOT: str = ""

    # people who sign in
    LIFTOS_SESSION_HOURS: Hours = 12.0
    LIFTOS_LOGIN_FAILURES: Some = 5
    LIFTOS_LOGIN_COOLOFF_MINUTES: Annotated[
        float, Field(ge=0, le=1e6, description="a number of minutes, 0 to 1e6")
    ] = 15.0

    LIFTOS_BREAK_GLASS_MINUTES: Annotated[
        int, Field(ge=1, le=10_080, description="a number of minutes, 1 to 10080")
    ] = 480

    LIFTOS_ADMIN_OIDC: JsonObject = {}
    LIFTOS_ADMIN_PASSWORDS: Flag = True
    LIFTOS_OIDC_ISSUERS: JsonObject = {}
    LIFTOS_OIDC_CREATE_PRINCIPALS: Flag = False
    LIFTOS_OIDC_CREATE_GROUPS: Flag = False
    LIFTOS_OIDC_AUTHORITY_HOURS: Hours = 720.0

    # the ledger and calibration
    LIFTOS_LEDGER_MERGE_SECONDS: Interval = 1.0
    LIFTOS_LEDGER_ORIGIN: str = "liftos.local/ledger"
    LIFTOS_LEDGER_KEY_FILE: str = ""
    LIFTOS_CHECKPOINT_FILE: str = ""
    LIFTOS_CHECKPOINT_URL: str = ""
    LIFTOS_CALIBRATION_REVIEWS: Some = 100
    LIFTOS_CALIBRATION_HOURS: Hours = 24.0
    LIFTOS_CALIBRATION_BAND: Share = 0.1

    # memories and spaces
    LIFTOS_VALUE_KEY_FILE: str = ""
    LIFTOS_MEMORY_TTL: JsonValue = {}
    LIFTOS_ERASURE_ROWS: Count = 200_000
    LIFTOS_IDEMPOTENCY_HOURS: Annotated[
        float, Field(ge=0, le=1e6, description="a number of hours, 0 to 1e6")
    ] = 24.0
    LIFTOS_DEFAULT_SPACE: str = "marketing"
    LIFTOS_SPACE_CACHE_MB: Count = 256

    # documents and files
    LIFTOS_DOCUMENT_BYTES: Some = 32 * 1024 * 1024
    LIFTOS_DOCUMENT_MEMORY_MB: Annotated[
        int, Field(ge=128, le=1_000_000, description="a whole number of megabytes, 128 to 1000000")
    ] = 768
    LIFTOS_DOCUMENT_SECONDS: Some = 30
    LIFTOS_DOCUMENT_PAGES: Some = 2_000
    LIFTOS_DOCUMENT_UNPACKED_BYTES: Some = 256 * 1024 * 1024
    LIFTOS_EXTRACTOR_URL: str = ""
    LIFTOS_EXTRACTOR_MODEL: str = ""
    LIFTOS_EXTRACTOR_API_KEY: Secret = ""
    LIFTOS_EXTRACTOR_SECONDS: Interval = 60.0
    LIFTOS_FILES_URL: str = ""
    LIFTOS_FILES_OPTIONS: JsonObject = {}
    LIFTOS_FILES_BYTES: Count = 10 * 1024 * 1024 * 1024

    # traces, metrics and alerts
    LIFTOS_TRACE_SAMPLING: str = "1.0"
    LIFTOS_TRACE_LEVEL: str = "INFO"
    LIFTOS_TRACE_SPANS: str = "10000"
    LIFTOS_TRACE_PERSIST: Flag = True
    LIFTOS_TRACE_RETENTION_DAYS: str = "30"
    LIFTOS_OTLP_ENDPOINT: str = ""
    LIFTOS_OTLP_HEADERS: Headers = {}
    LIFTOS_METRICS_SECONDS: Seconds = 60.0
    LIFTOS_METRICS_TOKEN: Secret = ""
    LIFTOS_WORKER_METRICS_PORT: Port = 0
    LIFTOS_METRICS_MINUTE_HOURS: Annotated[
        int, Field(ge=0, le=1_000_000, description="a whole number of hours, 0 to 1000000")
    ] = 48
    LIFTOS_METRICS_HOUR_DAYS: Annotated[
        int, Field(ge=0, le=100_000, description="a whole number of days, 0 to 100000")
    ] = 400
    LIFTOS_ALERT_HIT_RATE: Share = 0.5
    LIFTOS_ALERT_HIT_RATE_CLEAR: Share = 0.6
    LIFTOS_ALERT_SUCCESS_RATE: Share = 0.95
    LIFTOS_ALERT_SUCCESS_RATE_CLEAR: Share = 0.98
    LIFTOS_ALERT_LEAST: Count = 1000

    # embeddings
    LIFTOS_EMBEDDER: str = "minilm"
    LIFTOS_EMBEDDER_OPTIONS: JsonObject = {}
    LIFTOS_EMBEDDERS: JsonObject = {}
    LIFTOS_EMBEDDING_CACHE_SIZE: Count = 10_000
    LIFTOS_EMBEDDING_CACHE_TTL: Some = 3600

    # events and webhooks
    LIFTOS_EVENTS_BATCH: Some = 500
    LIFTOS_EVENTS_DELAY_SECONDS: Interval = 0.1
    LIFTOS_EVENTS_RETENTION_DAYS: Days = 7.0
    LIFTOS_EVENTS_LAG_SECONDS: Seconds = 60.0
    LIFTOS_EVENT_BYTES: Some = 65_536
    LIFTOS_STREAMS: Some = 200
    LIFTOS_STREAMS_PER_KEY: Some = 10
    LIFTOS_STREAM_HEARTBEAT_SECONDS: Interval = 15.0
    LIFTOS_STREAM_READER_SECONDS: Interval = 30.0
    LIFTOS_WEBHOOK_THREADS: Some = 8
    LIFTOS_WEBHOOK_TIMEOUT_SECONDS: Interval = 10.0
    LIFTOS_WEBHOOK_RETRY_DAYS: Days = 3.0

    # workflows
    LIFTOS_WORKFLOW_CONCURRENCY: Some = 100
    LIFTOS_WORKFLOW_LEASE_SECONDS: Interval = 15.0
    LIFTOS_WORKFLOW_SWEEP_SECONDS: Interval = 1.0
    LIFTOS_WORKFLOW_LOST_LIMIT: Count = 10
    LIFTOS_WORKFLOW_BACKOFF_CAP: Seconds = 60.0
    LIFTOS_WORKFLOW_WAIT_SECONDS: Seconds = 30.0
    LIFTOS_WORKFLOW_WAIT_THREADS: Count = 8
    LIFTOS_WORKFLOW_STUCK_LIMIT: Count = 5
    LIFTOS_WORKFLOW_RESULT_BYTES: Some = 4_000_000
    LIFTOS_WORKFLOW_RETENTION_DAYS: Days = 90.0
    LIFTOS_WORKFLOW_MAX_DEPTH: Count = 5
    LIFTOS_SCHEDULE_SECONDS: Interval = 2.0
    LIFTOS_SCHEDULE_MIN_SECONDS: Seconds = 60.0
    LIFTOS_SCHEDULE_GRACE_SECONDS: Seconds = 300.0
    LIFTOS_SCHEDULE_CATCH_UP_LIMIT: Some = 100
    LIFTOS_SCHEDULE_BACKFILL_LIMIT: Some = 1_000
    LIFTOS_WORKFLOW_SECRETS_FILE: str = ""
    LIFTOS_FUNCTION_CACHE_SIZE: Count = 10_000
    LIFTOS_FUNCTION_CACHE_TTL: Some = 3600
    LIFTOS_FUNCTION_CACHE_BYTES: Count = 64 * 1024 * 1024
    LIFTOS_APPS: Items = []
    LIFTOS_HTTP_ALLOWED_HOSTS: Items = []
    LIFTOS_HTTP_PRIVATE_HOSTS: Items = []


def read_environment(environ: Mapping[str, str] = os.environ) -> Environment:
    """Return the validated variables.

    Raises:
        InvalidEnvironment: some are invalid.
    """
    given = {name: text for name in Environment.model_fields if (text := environ.get(name, "").strip())}
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        names = dict.fromkeys(str(each["loc"][0]) for each in error.errors(include_context=False))
        raise InvalidEnvironment([_problem(name, given[name]) for name in names]) from None


def _problem(name: str, text: str) -> str:
    field = Environment.model_fields[name]
    found = f" is {text[:100]!r}; it" if field.repr else ""
    return f"{name}{found} must be {field.description or 'a text'}."
