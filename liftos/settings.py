"""Django's settings. Operators configure the environment: liftos/runtime/environment.py, docs/settings.md."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from liftos import beat
from liftos.runtime import embedded
from liftos.runtime.environment import read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = embedded.home()
env = read_environment()
# our own settings have their variables' names; the secrets that Django and its databases hold are not repeated
_HELD = {"LIFTOS_SECRET_KEY", "LIFTOS_OWNER_DATABASE_URL", "LIFTOS_BROKER_URL"}
globals().update({name: value for name, value in env if name.startswith("LIFTOS_") and name not in _HELD})


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


def _timeout(name: str, seconds: float) -> str:
    """Return libpq's `options` for a time limit; 0 is none."""
    return f"-c {name}={round(seconds * 1000)}"


# --- apps and middleware -----------------------------------------------------------------------

DEBUG = env.LIFTOS_DEBUG
SECRET_KEY = env.LIFTOS_SECRET_KEY or embedded.secret_key(HOME)
PORT = env.LIFTOS_PORT
ALLOWED_HOSTS = env.LIFTOS_ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.LIFTOS_TRUSTED_ORIGINS
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
    "liftos.kernel.files",
    "liftos.kernel.telemetry",
    "accountability",
    "memory",
    "spaces",
    "workflows",
    "workflows.marketing",
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
    # the rest is for browsers
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "liftos.kernel.admin.headers.AdminHeaders",
    "liftos.kernel.admin.middleware.AdminTenantMiddleware",
    # answers locked-out users; must be last
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
    "default": database(env.DATABASE_URL or _EMBEDDED.database_url),
    "owner": database(env.LIFTOS_OWNER_DATABASE_URL or env.DATABASE_URL or _EMBEDDED.owner_database_url),
}
DATABASES["default"]["OPTIONS"] |= {
    "pool": {
        "min_size": 1,
        "max_size": env.LIFTOS_DB_POOL_SIZE,
        # seconds to wait for a connection before the request answers 503
        "timeout": env.LIFTOS_DB_POOL_TIMEOUT,
        # seconds: a connection's plans suit the tables' size at first use, so connections must not live forever
        "max_lifetime": 600.0,
        # give up early: with a longer back-off, the pool would still sleep when Postgres is back
        "reconnect_timeout": 2.0,
    },
    "connect_timeout": 5,
    "options": _timeout("statement_timeout", env.LIFTOS_STATEMENT_SECONDS),
    # executions of one statement on one connection before it is prepared; only raw cursors' are (liftos.kernel.db.transactions)
    "prepare_threshold": env.LIFTOS_DB_PREPARE_AFTER or None,
}
# a migration waiting for a lock blocks everybody behind it, so it gives up and can be repeated
DATABASES["owner"]["OPTIONS"]["options"] = _timeout("lock_timeout", env.LIFTOS_MIGRATE_LOCK_SECONDS)
# in tests, the same database under another role
DATABASES["owner"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["liftos.kernel.db.transactions.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LIFTOS_APP_ROLE = DATABASES["default"]["USER"]

# --- Redis: second-level caches and Celery's hints ----------------------------------------------

REDIS_URL = env.REDIS_URL or _EMBEDDED.redis_url
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

# Celery has its own URL scheme for Unix sockets
CELERY_BROKER_URL = env.LIFTOS_BROKER_URL or REDIS_URL.replace("unix://", "redis+socket://", 1).replace(
    "?db=", "?virtual_host="
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False  # the sweep finds work whose hint was not sent
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = beat.schedule(env)

# --- our own, where the default depends on the installation ---------------------------------------

LIFTOS_LEDGER_KEY_FILE = env.LIFTOS_LEDGER_KEY_FILE or str(HOME / "ledger_key")
# for digests of rejected values; if it changed, rejected values could be stored again
LIFTOS_VALUE_KEY_FILE = env.LIFTOS_VALUE_KEY_FILE or str(HOME / "value_key")
# originals of documents
LIFTOS_FILES_URL = env.LIFTOS_FILES_URL or str(HOME / "files")
# minutes are needed until they have been aggregated into hours
LIFTOS_METRICS_MINUTE_HOURS = max(4, env.LIFTOS_METRICS_MINUTE_HOURS)
LIFTOS_EMBEDDING_CACHE_ALIAS = "embeddings"

# --- HTTP ---------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = None  # BodyLimitMiddleware decides, before the body is read
CORS_ALLOWED_ORIGINS = env.LIFTOS_CORS_ORIGINS
CORS_ALLOW_ALL_ORIGINS = DEBUG
CORS_ALLOW_CREDENTIALS = True
# no cross-origin access to the admin
CORS_URLS_REGEX = r"^/(?!admin(/|$))"
# for preflights that ask for no particular headers; others get those they ask for (AnyHeaderCorsMiddleware)
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
            "jwt": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A token of an issuer in LIFTOS_OIDC_ISSUERS.",
            },
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        }
    },
    "SECURITY": [{"bearer": []}, {"jwt": []}, {"apiKey": []}],
}

STATICFILES_DIRS = [BASE_DIR / "liftos" / "console" / "static"]
STATIC_URL = "/static/"
# if unset, files are served from the packages; the image collects them (deploy/Dockerfile)
STATIC_ROOT = env.LIFTOS_STATIC_ROOT or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = False

HTTPS = env.LIFTOS_HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(ready|health|metrics)$"]  # asked from inside, past the proxy that ends TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.LIFTOS_BEHIND_TLS_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# --- staff accounts -----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "liftos.kernel.tenancy.sign_in.passwords.PasswordsOff",
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "liftos.kernel.tenancy.roles_backend.RoleBackend",
]
SESSION_COOKIE_AGE = int(env.LIFTOS_SESSION_HOURS * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# by user name and address together: attacks from elsewhere do not lock the person out
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.LIFTOS_LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=env.LIFTOS_LOGIN_COOLOFF_MINUTES)
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # access is recorded as the decision admin.enter
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/admin/login/"
# not in a cookie: the admin shows a new API key once, in a message
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
    "root": {"handlers": ["console"], "level": env.LIFTOS_LOG_LEVEL or "WARNING"},
    "loggers": {
        "liftos": {"level": env.LIFTOS_LOG_LEVEL or "INFO", "propagate": True},
        "httpx2": {"level": "WARNING"},  # it logs URLs, which may contain a key
        # our own handlers log failures once, with the correlation id
        "django.request": {"level": "CRITICAL"},
        # a traceback for each invalid Host header would let anyone flood the log
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
    # the theme's has too little contrast on hovered menu entries
    "COLORS": {"font": {"subtle-light": "oklch(51% .027 264.364)"}},
    "SIDEBAR": {"show_search": True, "navigation": "liftos.console.navigation.navigation"},
}
