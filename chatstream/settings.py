"""What a deployer edits, read from the environment.

The comment above each variable is its entry in docs/reference/settings.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from chatstream.accounts import single_sign_on
from chatstream.logs import to_the_console

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def required(name: str, meaning: str) -> str:
    """`manage.py` fills these in at home; a deployment has to say them."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {meaning}.")
    return str(value)


#: Django's; `manage.py dev` turns it on.
DEBUG = env.bool("DEBUG", default=False)
#: A long random text, the same on every process.
SECRET_KEY = required("SECRET_KEY", "a long random text, the same on every process")
#: Names the site is reached by, with commas.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
#: Other origins whose forms are accepted, with commas.
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
#: Origins whose pages may call the site with an access token, with commas. Empty: none.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = (*default_headers, "last-event-id", "x-run-id")
#: Keys that were in use before, with commas: what they have signed stays good.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
#: The path below which a proxy shows the site, such as `/chat`.
below = env.str("FORCE_SCRIPT_NAME", default="").strip("/")
FORCE_SCRIPT_NAME = f"/{below}" if below else None

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "chatstream.static_files_app.Collected",
    "corsheaders",
    "drf_spectacular_sidecar",
    "chatstream",
    "streams",
]

MIDDLEWARE = [
    "chatstream.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "chatstream.middleware.ContentSecurityPolicyMiddleware",
    "chatstream.middleware.NoStoreMiddleware",
    "chatstream.middleware.ErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "chatstream.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "streams.middleware.DeviceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

CSRF_FAILURE_VIEW = "chatstream.errors.csrf_failure"
ROOT_URLCONF = "chatstream.urls"
ASGI_APPLICATION = "chatstream.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

PLACE = "postgresql://user:password@host/name"
#: Seconds a request waits for a connection of the pool while PostgreSQL is there; while it is away,
#: the request is told so at once.
POOL_WAIT = env.float("DATABASE_POOL_TIMEOUT", default=5)
#: `1`: a pool in transaction mode, such as PgBouncer, stands before PostgreSQL.
# Each transaction may reach another of the server's processes: none may count on the last.
POOLER = env.bool("DATABASE_POOLER", default=False)


def database() -> dict[str, Any]:
    #: `postgresql://user:password@host/name`, PostgreSQL 15 to 18. Without it `manage.py` commands
    #: use an embedded one.
    url = required("DATABASE_URL", PLACE)
    try:
        config = env.db_url("DATABASE_URL") if "://" in url else {}
    except ValueError:
        config = {}
    if config.get("ENGINE") != "django.db.backends.postgresql":
        # Not repeated: there may be a password in it.
        raise ImproperlyConfigured(f"DATABASE_URL names no PostgreSQL: set it to {PLACE}.")
    config["ENGINE"] = "streams.postgres"
    config["DISABLE_SERVER_SIDE_CURSORS"] = POOLER
    config["OPTIONS"] = dict(config.get("OPTIONS", {}))
    #: Connections a web process keeps for requests; 0: each request opens its own.
    # Without a pool a burst of POSTs opens a connection each and exhausts PostgreSQL.
    if size := env.int("DATABASE_POOL_SIZE", default=8):
        config["OPTIONS"]["pool"] = {
            "min_size": 1,
            "max_size": size,
            # How long a page waits before it looks whether anybody is there.
            "timeout": min(1.0, POOL_WAIT),
            # Its own patience doubles with every failure; who asks next tries anew.
            "reconnect_timeout": 1,
        }
    return dict(config)


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

RULES = "UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in RULES
]
#: `1`: anybody may make an account at `/sign-up/`. Otherwise people come by invitations.
SIGN_UP = env.bool("SIGN_UP", default=False)
#: JSON: where people may sign in with an account they have already, by OpenID Connect:
#: `[{"provider_id": "company", "name": "Company", "client_id": "…", "secret": "…", "server_url":
#: "https://id.example.com"}]`. Needs `uv sync --group sso`.
SSO = single_sign_on.providers(env.str("SSO", default=""))
#: `0`: people who sign in so need an account here first. Otherwise they get one.
SSO_SIGN_UP = env.bool("SSO_SIGN_UP", default=True)
if SSO:
    INSTALLED_APPS += single_sign_on.APPS
    MIDDLEWARE += [single_sign_on.MIDDLEWARE]
    globals().update(single_sign_on.settings_of(SSO))
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "streams:conversations"
LOGOUT_REDIRECT_URL = "login"
LANGUAGE_CODE, LANGUAGES = "en", [("en", "English"), ("de", "Deutsch")]
#: The zone of dates on pages, such as `Europe/Berlin`.
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

# What a request sends is on the disk before it is in memory: many at once come from strangers.
FILE_UPLOAD_MAX_MEMORY_SIZE = 65_536

STATIC_URL = "/static/"  # below the script name: see chatstream.storage
#: Where `collectstatic` puts what pages load.
STATIC_ROOT = BASE_DIR / env.str("STATIC_ROOT", default="staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
#: The folder of files that are attached to prompts; web and worker processes share it.
ATTACHED = BASE_DIR / env.str("ATTACHMENTS_FOLDER", default=".data/attachments")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "attachments": {"BACKEND": "chatstream.storage.Private", "OPTIONS": {"location": ATTACHED}},
    "staticfiles": {"BACKEND": f"chatstream.storage.{'Plain' if DEBUG else ''}StaticFiles"},
}
WHITENOISE_USE_FINDERS = DEBUG

#: `1`: everything a browser should do over TLS alone (redirect, HSTS, secure cookies).
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
#: `1`: a proxy ends TLS and sets `X-Forwarded-Proto`.
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_AGE = 90 * 24 * 3600

# A provider without its key is not offered.
MODELS = {
    "openai": {
        #: The key for models named `openai:…` (Responses API).
        "key": env.str("OPENAI_API_KEY", default=""),
        #: Their address, if it is not OpenAI's.
        "url": env.str("OPENAI_BASE_URL", default=""),
        #: Their names in the menu, with commas; any other is taken too. Empty: three of OpenAI's.
        "menu": env.list("OPENAI_MODELS", default=[]),
    },
    "openai-chat": {
        #: The key for models named `openai-chat:…`: any server that speaks Chat Completions.
        "key": env.str("OPENAI_CHAT_API_KEY", default=""),
        #: Its address. Without key and address, those of `openai:…` are used.
        "url": env.str("OPENAI_CHAT_BASE_URL", default=""),
        #: Its names in the menu, with commas.
        "menu": env.list("OPENAI_CHAT_MODELS", default=[]),
    },
    "anthropic": {
        #: The key for models named `anthropic:…` (Messages API).
        "key": env.str("ANTHROPIC_API_KEY", default=""),
        #: Their address, if it is not Anthropic's.
        "url": env.str("ANTHROPIC_BASE_URL", default=""),
        #: Their names in the menu, with commas; any other is taken too. Empty: three of
        #: Anthropic's.
        "menu": env.list("ANTHROPIC_MODELS", default=[]),
    },
    #: A llama.cpp server for models named `local:…`; `manage.py dev` starts one.
    "local": {"url": env.str("LOCAL_MODEL_URL", default="")},
}

#: A folder that `agent:demo` may read and write, as `manage.py dev` makes. Empty: no such agent.
DEMO_FOLDER = env.str("DEMO_FOLDER", default="")
if DEMO_FOLDER:
    MODELS["demo-agent"] = {"class": "chatstream.dev.demo_model.DemoModel"}

try:
    #: JSON: whatever else can be tuned, by the names below.
    tuned = env.json("STREAMS", default={})
except ValueError:
    tuned = None
if not isinstance(tuned, dict):
    raise ImproperlyConfigured('STREAMS is no JSON object: write it as {"name": value}.')
STREAMS = {
    "models": MODELS,
    "agents": {"demo": "chatstream.dev.demo_agent.demo"} if DEMO_FOLDER else {},
    #: What answers new conversations, such as `anthropic:claude-sonnet-5-5`. Empty: the first
    #: there is.
    "default_model": env.str("DEFAULT_MODEL", default=""),
    #: `1`: any script may be asked for, not `scripted:demo` alone. The person who names one decides
    #: how much it says.
    "scripts": env.bool("SCRIPTS", default=DEBUG),
    "pooler": POOLER,
    "pool_wait": POOL_WAIT,
    "attachment_storage": "attachments",
    "header_middleware": [it for it in MIDDLEWARE if it.startswith(("chatstream.", "allauth."))],
    **tuned,
}

#: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
LOGGING = to_the_console(env.str("LOG_LEVEL", default="INFO"))
