"""The one settings file. Everything an operator may change comes from the environment.

Each name is described in docs/settings.md; a test fails for one that is not.
"""

import ipaddress
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from liftos.runtime import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = embedded.home()


def env(name: str, default: str = "") -> str:
    """Return an environment variable, stripped; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def env_flag(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no environment variable: 1, true, yes and on mean yes."""
    return env(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def env_list(name: str, default: str = "") -> list[str]:
    """Return a comma-separated environment variable as a list without blanks."""
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


def database(url: str) -> dict[str, Any]:
    """Return Django's database dictionary for a libpq URL (Unix socket directories work as hosts)."""
    parts: dict[str, Any] = conninfo_to_dict(url)
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    entry: dict[str, Any] = {django: str(parts.pop(libpq, "") or "") for libpq, django in known.items()}
    return entry | {
        "ENGINE": "liftos.kernel.db.backend",
        "CONN_MAX_AGE": 0,
        "OPTIONS": parts,
    }


def _timeouts(*, statement: str, lock: str) -> str:
    """Return libpq's `options` for time limits in seconds, by the names of their variables; 0 is none."""
    limits = {"statement_timeout": statement, "lock_timeout": lock}
    defaults = {"LIFTOS_STATEMENT_SECONDS": "0", "LIFTOS_MIGRATE_LOCK_SECONDS": "10"}
    return " ".join(
        f"-c {name}={round(float(env(variable, defaults[variable])) * 1000)}"
        for name, variable in limits.items()
        if variable
    )


# --- what runs where ---------------------------------------------------------------------------

DEBUG = env_flag("LIFTOS_DEBUG")
SECRET_KEY = env("LIFTOS_SECRET_KEY") or embedded.secret_key(HOME)
PORT = int(env("LIFTOS_PORT", "8003"))
LIFTOS_WEB_THREADS = int(env("LIFTOS_WEB_THREADS", "16"))
# of these, what one organisation may have at once
LIFTOS_WEB_SHARE = float(env("LIFTOS_WEB_SHARE", "0.75"))
# batches, bulk stores and reports at work at once in a process
LIFTOS_WEB_COSTLY = int(env("LIFTOS_WEB_COSTLY", "1"))
# values in one JSON document: parsed, each takes some hundred times its two bytes
LIFTOS_MAX_JSON_VALUES = int(env("LIFTOS_MAX_JSON_VALUES", "100000"))
# seconds: for a request's header, for its body (and then at least 16 kB/s), for its turn, for its work
LIFTOS_HEADER_SECONDS = float(env("LIFTOS_HEADER_SECONDS", "10"))
LIFTOS_BODY_SECONDS = float(env("LIFTOS_BODY_SECONDS", "30"))
LIFTOS_QUEUE_SECONDS = float(env("LIFTOS_QUEUE_SECONDS", "30"))
LIFTOS_REQUEST_SECONDS = float(env("LIFTOS_REQUEST_SECONDS", "120"))
# from one address that is no trusted proxy's; 0 for no bound
LIFTOS_CONNECTIONS_PER_ADDRESS = int(env("LIFTOS_CONNECTIONS_PER_ADDRESS", "1000"))
# where bodies above a megabyte wait until they have arrived, and what all of them may take in a process
LIFTOS_SPOOL_DIR = env("LIFTOS_SPOOL_DIR")
LIFTOS_MAX_SPOOL_BYTES = int(env("LIFTOS_MAX_SPOOL_BYTES", str(1024 * 1024 * 1024)))
ALLOWED_HOSTS = env_list("LIFTOS_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env_list("LIFTOS_TRUSTED_ORIGINS")
ROOT_URLCONF = "liftos.urls"
WSGI_APPLICATION = "liftos.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "liftos.apps.LiftosConfig",
    "liftos.kernel.tenancy",
    "liftos.kernel.embedding",
    "liftos.kernel.outbox",
    "liftos.kernel.caching.change_tokens",
    "liftos.kernel.http.idempotency",
    "liftos.kernel.telemetry",
    "accountability",
    "memory",
    "spaces",
    "workflows",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "axes",
]

MIDDLEWARE = [
    "liftos.kernel.telemetry.tracing.middleware.RequestContextMiddleware",
    "liftos.kernel.http.middleware.BodyLimitMiddleware",
    "liftos.kernel.http.middleware.AnyHeaderCorsMiddleware",
    "liftos.kernel.http.encoding.EncodingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "liftos.kernel.http.middleware.StraightToTheView",
    # what follows serves people with a browser
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "liftos.kernel.admin.headers.AdminHeaders",
    "liftos.kernel.admin.middleware.AdminTenantMiddleware",
    # answers those who are shut out; it has to be the last
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "liftos" / "console" / "dashboard" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Postgres: the application role serves, the owner migrates ----------------------------------

_EMBEDDED = embedded.urls(HOME)
DATABASES = {
    "default": database(env("DATABASE_URL", _EMBEDDED.database_url)),
    "owner": database(
        env("LIFTOS_OWNER_DATABASE_URL") or env("DATABASE_URL") or _EMBEDDED.owner_database_url
    ),
}
DATABASES["default"]["OPTIONS"] |= {
    "pool": {
        "min_size": 1,
        "max_size": int(env("LIFTOS_DB_POOL_SIZE", "20")),
        # seconds to wait for a connection before the request answers 503
        "timeout": float(env("LIFTOS_DB_POOL_TIMEOUT", "5")),
        # seconds: a connection plans by what the tables were like when it first asked, so it does not stay for ever
        "max_lifetime": 600.0,
        # give up reconnecting soon: its back-off would otherwise still sleep when Postgres has long been back
        "reconnect_timeout": 2.0,
    },
    "connect_timeout": 5,
    "options": _timeouts(statement="LIFTOS_STATEMENT_SECONDS", lock=""),
    # executions of one statement on one connection before it is prepared; only raw cursors' are (liftos.kernel.db.transactions)
    "prepare_threshold": int(env("LIFTOS_DB_PREPARE_AFTER", "2")) or None,
}
# who changes tables does not queue for a lock in front of everybody else: it gives up, and may be tried again
DATABASES["owner"]["OPTIONS"]["options"] = _timeouts(statement="", lock="LIFTOS_MIGRATE_LOCK_SECONDS")
# the owner is a visitor: no pool, and the default's database under another role
DATABASES["owner"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["liftos.kernel.db.transactions.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LIFTOS_APP_ROLE = DATABASES["default"]["USER"]

# --- Redis: second-level caches and Celery's hints ----------------------------------------------

REDIS_URL = env("REDIS_URL", _EMBEDDED.redis_url)
_REDIS_CACHE = {
    "BACKEND": "django_redis.cache.RedisCache",
    "LOCATION": REDIS_URL,
    "OPTIONS": {
        "SOCKET_CONNECT_TIMEOUT": 0.25,
        "SOCKET_TIMEOUT": 0.25,
        "CONNECTION_POOL_KWARGS": {"max_connections": 100},
    },
}
CACHES = {
    "default": _REDIS_CACHE | {"KEY_PREFIX": "liftos"},
    "embeddings": _REDIS_CACHE | {"KEY_PREFIX": "emb"},
}

CELERY_BROKER_URL = env(
    "LIFTOS_BROKER_URL",
    # Celery names a Unix socket its own way
    REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host="),
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False  # a hint that can't be sent is found again by the sweep
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "sweep-pending-embeddings": {
        "task": "memory.sweep_pending_embeddings",
        "schedule": float(env("LIFTOS_SWEEP_SECONDS", "30")),
    },
    "sweep-graph": {
        "task": "memory.sweep_graph",
        "schedule": float(env("LIFTOS_SWEEP_SECONDS", "30")),
    },
}

# Prometheus sends it as a bearer token; without one anybody who reaches the port reads /metrics
LIFTOS_METRICS_TOKEN = env("LIFTOS_METRICS_TOKEN")

# --- tenancy ------------------------------------------------------------------------------------

LIFTOS_TRUSTED_PROXIES = [ipaddress.ip_network(cidr) for cidr in env_list("LIFTOS_TRUSTED_PROXIES")]
LIFTOS_TRUSTED_PROXY_SECRET = env("LIFTOS_TRUSTED_PROXY_SECRET")
LIFTOS_TRUSTED_CREATE = env_flag("LIFTOS_TRUSTED_CREATE")
LIFTOS_TRUSTED_DEFAULT_ORG = env("LIFTOS_TRUSTED_DEFAULT_ORG")

# --- the ledger ---------------------------------------------------------------------------------

# seconds between runs of the sequencer: how long a record waits for its place in the log
LIFTOS_LEDGER_MERGE_SECONDS = float(env("LIFTOS_LEDGER_MERGE_SECONDS", "1"))
LIFTOS_LEDGER_ORIGIN = env("LIFTOS_LEDGER_ORIGIN", "liftos.local/ledger")
LIFTOS_LEDGER_KEY_FILE = env("LIFTOS_LEDGER_KEY_FILE", str(HOME / "ledger_key"))
LIFTOS_CHECKPOINT_FILE = env("LIFTOS_CHECKPOINT_FILE")
LIFTOS_CHECKPOINT_URL = env("LIFTOS_CHECKPOINT_URL")
CELERY_BEAT_SCHEDULE["sequence-the-ledger"] = {
    "task": "accountability.sequence",
    "schedule": LIFTOS_LEDGER_MERGE_SECONDS,
    # a run that could not start in time is replaced by the next
    "options": {"expires": 10 * LIFTOS_LEDGER_MERGE_SECONDS},
}
if LIFTOS_CHECKPOINT_FILE or LIFTOS_CHECKPOINT_URL:
    CELERY_BEAT_SCHEDULE["deliver-checkpoints"] = {
        "task": "accountability.deliver_checkpoints",
        "schedule": LIFTOS_LEDGER_MERGE_SECONDS,
        "options": {"expires": 10 * LIFTOS_LEDGER_MERGE_SECONDS},
    }

# --- calibration --------------------------------------------------------------------------------

# verdicts on a decision point after which its confidences are recalibrated
LIFTOS_CALIBRATION_REVIEWS = int(env("LIFTOS_CALIBRATION_REVIEWS", "100"))
CELERY_BEAT_SCHEDULE["calibrate"] = {
    "task": "accountability.calibrate",
    "schedule": float(env("LIFTOS_CALIBRATION_HOURS", "24")) * 3600,
}

# --- a memory's life ----------------------------------------------------------------------------

# keys the values that were rejected; it must outlive SECRET_KEY, or they would come back
LIFTOS_VALUE_KEY_FILE = env("LIFTOS_VALUE_KEY_FILE", str(HOME / "value_key"))
# seconds after which memories of a type expire: {"note": 86400}; a memory's own time beats it
LIFTOS_MEMORY_TTL = json.loads(env("LIFTOS_MEMORY_TTL", "{}"))
# rows of each table that an erasure looks through for quotes, the newest first
LIFTOS_ERASURE_ROWS = int(env("LIFTOS_ERASURE_ROWS", "200000"))
LIFTOS_IDEMPOTENCY_HOURS = float(env("LIFTOS_IDEMPOTENCY_HOURS", "24"))
CELERY_BEAT_SCHEDULE["sweep-lives"] = {
    "task": "memory.sweep_lives",
    "schedule": float(env("LIFTOS_SWEEP_SECONDS", "30")),
}

# --- conceptual spaces --------------------------------------------------------------------------

# the template of the space that holds all memories of an organisation: one of spaces/space_templates.py
LIFTOS_DEFAULT_SPACE = env("LIFTOS_DEFAULT_SPACE", "marketing")
# positions that a process keeps in memory, at least of the space asked last
LIFTOS_SPACE_CACHE_MB = int(env("LIFTOS_SPACE_CACHE_MB", "256"))
CELERY_BEAT_SCHEDULE["sweep-layouts"] = {
    "task": "spaces.sweep",
    "schedule": float(env("LIFTOS_SWEEP_SECONDS", "30")),
}

# --- workflows ----------------------------------------------------------------------------------

# an organisation's steps that are carried out at once, where its policy names no number
LIFTOS_WORKFLOW_CONCURRENCY = int(env("LIFTOS_WORKFLOW_CONCURRENCY", "100"))
# for so long a step is a worker's without a sign of life; a living worker renews it
LIFTOS_WORKFLOW_LEASE_SECONDS = float(env("LIFTOS_WORKFLOW_LEASE_SECONDS", "15"))
# between two looks for steps that were dropped, in each worker
LIFTOS_WORKFLOW_SWEEP_SECONDS = float(env("LIFTOS_WORKFLOW_SWEEP_SECONDS", "1"))
# workers that a step may take down before it is given up
LIFTOS_WORKFLOW_LOST_LIMIT = int(env("LIFTOS_WORKFLOW_LOST_LIMIT", "10"))
# the longest wait between two attempts, seconds
LIFTOS_WORKFLOW_BACKOFF_CAP = float(env("LIFTOS_WORKFLOW_BACKOFF_CAP", "60"))
# the longest that a request waits for a run, seconds
LIFTOS_WORKFLOW_WAIT_SECONDS = float(env("LIFTOS_WORKFLOW_WAIT_SECONDS", "30"))
# threads of a process that carry out the steps of runs that somebody waits for there
LIFTOS_WORKFLOW_WAIT_THREADS = int(env("LIFTOS_WORKFLOW_WAIT_THREADS", "8"))
# threads that a worker may leave behind at steps that took too long, before it asks to be replaced
LIFTOS_WORKFLOW_STUCK_LIMIT = int(env("LIFTOS_WORKFLOW_STUCK_LIMIT", "5"))
# the most that a step's result, and what its references bring, may have as JSON
LIFTOS_WORKFLOW_RESULT_BYTES = int(env("LIFTOS_WORKFLOW_RESULT_BYTES", "4000000"))
# for how long runs are kept after their end
LIFTOS_WORKFLOW_RETENTION_DAYS = float(env("LIFTOS_WORKFLOW_RETENTION_DAYS", "90"))
LIFTOS_FUNCTION_CACHE_SIZE = int(env("LIFTOS_FUNCTION_CACHE_SIZE", "10000"))
LIFTOS_FUNCTION_CACHE_TTL = int(env("LIFTOS_FUNCTION_CACHE_TTL", "3600"))
LIFTOS_FUNCTION_CACHE_BYTES = int(env("LIFTOS_FUNCTION_CACHE_BYTES", str(64 * 1024 * 1024)))

# the operator's secrets for workflows: a JSON file of names to values, mode 0600
LIFTOS_WORKFLOW_SECRETS_FILE = env("LIFTOS_WORKFLOW_SECRETS_FILE", "")
# hosts that http.request may call; none unless named
LIFTOS_HTTP_ALLOWED_HOSTS = env_list("LIFTOS_HTTP_ALLOWED_HOSTS")
LIFTOS_HTTP_PRIVATE_HOSTS = env_list("LIFTOS_HTTP_PRIVATE_HOSTS")
CELERY_BEAT_SCHEDULE["prune-workflow-runs"] = {"task": "workflows.prune_runs", "schedule": 3600.0}

# --- traces: checked, and made into values, by liftos.kernel.telemetry.tracing.options ---------------------

LIFTOS_TRACE_SAMPLING = env("LIFTOS_TRACE_SAMPLING", "1.0")
LIFTOS_TRACE_LEVEL = env("LIFTOS_TRACE_LEVEL", "INFO")
LIFTOS_TRACE_SPANS = env("LIFTOS_TRACE_SPANS", "10000")
LIFTOS_TRACE_PERSIST = env_flag("LIFTOS_TRACE_PERSIST", default=True)
LIFTOS_TRACE_RETENTION_DAYS = env("LIFTOS_TRACE_RETENTION_DAYS", "30")
LIFTOS_OTLP_ENDPOINT = env("LIFTOS_OTLP_ENDPOINT")
LIFTOS_OTLP_HEADERS = dict(each.split("=", 1) for each in env_list("LIFTOS_OTLP_HEADERS") if "=" in each)
CELERY_BEAT_SCHEDULE["prune-traces"] = {"task": "observability.prune_traces", "schedule": 3600.0}

# --- figures by the minute and the hour ---------------------------------------------------------

LIFTOS_METRICS_SECONDS = float(env("LIFTOS_METRICS_SECONDS", "60"))
# a worker's own /metrics, where no directory is shared with the web server; 0 for none
LIFTOS_WORKER_METRICS_PORT = int(env("LIFTOS_WORKER_METRICS_PORT", "0"))
# minutes are needed until they are sure to be in their hour
LIFTOS_METRICS_MINUTE_HOURS = max(4, int(env("LIFTOS_METRICS_MINUTE_HOURS", "48")))
LIFTOS_METRICS_HOUR_DAYS = int(env("LIFTOS_METRICS_HOUR_DAYS", "400"))
# an alert is raised below the first and cleared at the second, each time over so many events at least
LIFTOS_ALERT_HIT_RATE = float(env("LIFTOS_ALERT_HIT_RATE", "0.5"))
LIFTOS_ALERT_HIT_RATE_CLEAR = float(env("LIFTOS_ALERT_HIT_RATE_CLEAR", "0.6"))
LIFTOS_ALERT_SUCCESS_RATE = float(env("LIFTOS_ALERT_SUCCESS_RATE", "0.95"))
LIFTOS_ALERT_SUCCESS_RATE_CLEAR = float(env("LIFTOS_ALERT_SUCCESS_RATE_CLEAR", "0.98"))
LIFTOS_ALERT_LEAST = int(env("LIFTOS_ALERT_LEAST", "1000"))
CELERY_BEAT_SCHEDULE["roll-up-figures"] = {"task": "observability.roll_up", "schedule": 300.0}

# --- embeddings ---------------------------------------------------------------------------------

LIFTOS_EMBEDDER = env("LIFTOS_EMBEDDER", "minilm")
LIFTOS_EMBEDDER_OPTIONS = json.loads(env("LIFTOS_EMBEDDER_OPTIONS", "{}"))
# further ones by name, for organisations that move to another model: {"new": {"embedder": "openai", "options": {...}}}
LIFTOS_EMBEDDERS = json.loads(env("LIFTOS_EMBEDDERS", "{}"))
LIFTOS_EMBEDDING_CACHE_SIZE = int(env("LIFTOS_EMBEDDING_CACHE_SIZE", "10000"))
LIFTOS_EMBEDDING_CACHE_TTL = int(env("LIFTOS_EMBEDDING_CACHE_TTL", "3600"))
LIFTOS_EMBEDDING_CACHE_ALIAS = "embeddings"

# --- HTTP ---------------------------------------------------------------------------------------

LIFTOS_RATE_LIMIT_KEY = env("LIFTOS_RATE_LIMIT_KEY", "12000/minute")
LIFTOS_RATE_LIMIT_ORGANISATION = env("LIFTOS_RATE_LIMIT_ORGANISATION")
LIFTOS_MAX_BODY_BYTES = int(env("LIFTOS_MAX_BODY_BYTES", str(4 * 1024 * 1024)))
# an answer above it is 413; searches cut long texts before
LIFTOS_MAX_ANSWER_BYTES = int(env("LIFTOS_MAX_ANSWER_BYTES", str(16 * 1024 * 1024)))
LIFTOS_MAX_BULK_BYTES = int(env("LIFTOS_MAX_BULK_BYTES", str(256 * 1024 * 1024)))
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # BodyLimitMiddleware decides, before the body is read
CORS_ALLOWED_ORIGINS = env_list("LIFTOS_CORS_ORIGINS", "http://localhost:3000")
CORS_ALLOW_ALL_ORIGINS = DEBUG
CORS_ALLOW_CREDENTIALS = True
# the admin is for pages of its own origin alone
CORS_URLS_REGEX = r"^/(?!admin(/|$))"
# named for a preflight that asks for none in particular; one that does gets what it asks for (AnyHeaderCorsMiddleware)
CORS_ALLOW_HEADERS = [
    "accept", "authorization", "content-encoding", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent",
    "x-api-key", "x-correlation-id", "x-memory-context", "x-org-id", "x-user-id", "x-user-roles",
]  # fmt: skip

CORS_EXPOSE_HEADERS = [
    "ETag", "X-Correlation-Id", "X-Trace-Id", "Retry-After", "Idempotent-Replayed", "traceparent",
]  # fmt: skip

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["liftos.kernel.tenancy.authentication.PrincipalAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["liftos.kernel.http.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "liftos.kernel.http.rendering.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "liftos.kernel.http.openapi.Schema",
    "EXCEPTION_HANDLER": "liftos.kernel.http.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lift OS Core - Memory Service",
    "DESCRIPTION": "Organisational memory: store, find, organise, automate, with every decision on record.",
    "VERSION": "2.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.0",  # pydantic's schemas are of this version
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An organisation's API key."},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        }
    },
    "SECURITY": [{"bearer": []}, {"apiKey": []}],
}

STATICFILES_DIRS = [BASE_DIR / "liftos" / "console" / "static"]
STATIC_URL = "/static/"
# unset, the packages' own files are served; an image collects them (deploy/Dockerfile)
STATIC_ROOT = env("LIFTOS_STATIC_ROOT") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = False

HTTPS = env_flag("LIFTOS_HTTPS")
SECURE_SSL_REDIRECT = HTTPS
# asked from inside, past the proxy that ends TLS
SECURE_REDIRECT_EXEMPT = [r"^(ready|health|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_flag("LIFTOS_BEHIND_TLS_PROXY") else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# --- people who sign in -------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "liftos.kernel.tenancy.roles_backend.RoleBackend",
]
SESSION_COOKIE_AGE = int(float(env("LIFTOS_SESSION_HOURS", "12")) * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# by name and address together: guessing from elsewhere does not shut the person out
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = int(env("LIFTOS_LOGIN_FAILURES", "5"))
AXES_COOLOFF_TIME = timedelta(minutes=float(env("LIFTOS_LOGIN_COOLOFF_MINUTES", "15")))
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # who has opened what is on record: admin.enter
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/admin/login/"
# in the session, not in a cookie: the admin shows a new key once, by message
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["liftos.console.formats"]

# --- logs: one JSON object a line, with the correlation and trace ids ---------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "liftos.kernel.telemetry.logs.ContextFilter"}},
    "formatters": {
        "json": {
            "()": "liftos.kernel.telemetry.logs.SecretlessFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(correlation_id)s %(trace_id)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["context"]}},
    "root": {"handlers": ["console"], "level": env("LIFTOS_LOG_LEVEL", "WARNING")},
    "loggers": {
        "liftos": {"level": env("LIFTOS_LOG_LEVEL", "INFO"), "propagate": True},
        # our own handlers log what failed, once, with the correlation id
        "django.request": {"level": "CRITICAL"},
        # a stranger's bad Host header is answered with 400; a traceback for each would let anyone flood the log
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}

UNFOLD = {
    "SITE_TITLE": "LiftOS Core",
    "SITE_HEADER": "LiftOS Core",
    "SITE_SUBHEADER": "liftos.kernel.tenancy.admin.open_organisation",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["liftos.kernel.admin.parts.stylesheet"],
    "SCRIPTS": ["liftos.kernel.admin.parts.script"],
    "DASHBOARD_CALLBACK": "liftos.console.dashboard.page.add_dashboard",
    "SITE_DROPDOWN": "liftos.kernel.tenancy.admin.organisation_choices",
    # the theme's is too faint on a menu that the pointer rests on
    "COLORS": {"font": {"subtle-light": "oklch(51% .027 264.364)"}},
    "SIDEBAR": {"show_search": True, "navigation": "liftos.console.navigation.navigation"},
}
