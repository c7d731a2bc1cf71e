"""Every setting of the portal, read from the environment; `.env` beside manage.py fills what is not set there.

On a loopback SITE_URL everything but the secrets has a local default. As soon as SITE_URL names a public
host, what the public depends on must be set as well: the portal refuses to start and says what is missing.
"""

import datetime
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from notices.transparency import BadNote, VerifierKey, verifier_key

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

env = environ.Env()
env.EMAIL_SCHEMES["folder"] = "portal.mailbox.FolderBackend"
env.read_env(BASE_DIR / ".env")


def refuse(sentence: str) -> None:
    raise ImproperlyConfigured(sentence)


def require(*names: str) -> None:
    if missing := [name for name in names if not env.str(name, "").strip()]:
        refuse(
            f"请在环境变量或 .env 文件中设置 {'、'.join(missing)}。"
            "密钥可用 python manage.py generate_keys 生成，各项含义见 README。"
        )


# --- Secrets and the address of the site -----------------------------------------------------------------------

require("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
SECRET_KEY = env.str("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS")
try:
    [Fernet(key) for key in FIELD_ENCRYPTION_KEYS]
except ValueError:
    refuse("FIELD_ENCRYPTION_KEYS 不是有效的密钥：请用 python manage.py generate_keys 生成，多个密钥以英文逗号分隔。")

# Who signs the publication log: this process, or the command sign_log run by a user of its own. Then neither the
# web process nor the database holds the key, and only its public half is set here.
LOG_SIGNER = env.str("LOG_SIGNER", "inline")
if LOG_SIGNER not in ("inline", "external"):
    refuse("LOG_SIGNER 应为 inline（由网站进程签名）或 external（由 sign_log 命令签名）。")
SIGNS = LOG_SIGNER == "inline" or sys.argv[1:2] == ["sign_log"]
LOG_SIGNING_KEY = env.str("LOG_SIGNING_KEY", "")
LOG_SIGNING_KEY_NEXT = env.str("LOG_SIGNING_KEY_NEXT", "")  # for sign_log --rotate only
LOG_VERIFIER_KEY = env.str("LOG_VERIFIER_KEY", "")
LOG_SIGNER_STATE = env.str("LOG_SIGNER_STATE", str(VAR_DIR / "signer" / "checkpoint"))
if SIGNS:
    require("LOG_SIGNING_KEY")
elif LOG_SIGNING_KEY or LOG_SIGNING_KEY_NEXT:
    refuse(
        "LOG_SIGNER=external 时，只有 sign_log 命令可以有签名密钥：请把 LOG_SIGNING_KEY 移出网站的环境和 .env 文件。"
    )
elif not LOG_VERIFIER_KEY:
    refuse("LOG_SIGNER=external 时，请设置 LOG_VERIFIER_KEY：它是核验公钥，sign_log 启动时会显示。")

DEBUG = env.bool("DEBUG", False)
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
try:
    _site = urlsplit(SITE_URL)
except ValueError:
    _site = urlsplit("")
if _site.scheme not in ("http", "https") or not _site.hostname or _site.path:
    refuse("SITE_URL 应是网站的完整网址，不带路径，例如 https://gongshi.example.gov.cn。")
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
PUBLIC = _site.hostname not in ("127.0.0.1", "localhost", "::1")
if PUBLIC:
    require("ALLOWED_HOSTS", "EMAIL_URL", "DEFAULT_FROM_EMAIL", "SITE_NAME")
try:
    if SIGNS:
        LOG_VERIFIER_KEY = verifier_key(_site.netloc, LOG_SIGNING_KEY)
    elif VerifierKey.parse(LOG_VERIFIER_KEY).name != _site.netloc:
        refuse(f"LOG_VERIFIER_KEY 属于另一个网站：它的名称应是 {_site.netloc}。")
except BadNote:
    if SIGNS:
        refuse("LOG_SIGNING_KEY 不是有效的签名密钥：请用 python manage.py generate_keys 生成。")
    refuse("LOG_VERIFIER_KEY 不是有效的核验公钥：请照抄 sign_log 启动时显示的一行。")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK_HOSTS)

# What needs HTTPS follows the scheme of SITE_URL.
HTTPS = _site.scheme == "https"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.errors.forbidden"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Forwarded headers count only when they come from these proxies (addresses, networks, or "unix" for a socket).
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
for _proxy in TRUSTED_PROXIES:
    try:
        _proxy == "unix" or ip_network(_proxy)
    except ValueError:
        refuse(f"TRUSTED_PROXIES 中的“{_proxy}”不是地址或网段，例如 127.0.0.1 或 10.0.0.0/8；经本机套接字时写 unix。")
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- The site's own facts: shown where set, never invented ------------------------------------------------------

SITE_NAME = env.str("SITE_NAME", "督察整改任务公示")
SITE_ID_CODE = env.str("SITE_ID_CODE", "")
SITE_OPERATOR = env.str("SITE_OPERATOR", "")
SITE_CONTACT = env.str("SITE_CONTACT", "")
SITE_ICP = env.str("SITE_ICP", "")
SITE_POLICE_FILING = env.str("SITE_POLICE_FILING", "")
SITE_ERROR_REPORT_URL = env.str("SITE_ERROR_REPORT_URL", "")

# --- Django ------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal",
    "objections",
    "notices",
    "portal.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_otp",
    "axes",
]
MIDDLEWARE = [
    "portal.logs.RequestLog",
    "portal.headers.SayToBrowsers",
    "csp.middleware.CSPMiddleware",
    "portal.proxies.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.freshness.AskFirst",
    "portal.languages.ByAddress",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.elder.CarryOn",
    "portal.errors.SayWhatHappened",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "portal.freshness.ShowAtOnce",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.pages.site",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # Bootstrap's own icons are data: images in its stylesheet
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}

# --- Data ----------------------------------------------------------------------------------------------------------


def database(name: str, file: str, pragmas: str) -> dict:
    """The database that the setting `name` says; the SQLite file in var/ where it says nothing."""
    wrong = f"{name} 只支持 SQLite 和 PostgreSQL，例如 postgres://用户:密码@主机/数据库。"
    if not env.str(name, "sqlite:").startswith(("sqlite:", "postgres:", "postgresql:")):
        refuse(wrong)
    try:
        found = env.db_url(name, default=f"sqlite:///{VAR_DIR / file}")
    except (KeyError, ValueError, ImproperlyConfigured):
        refuse(wrong)
    if found["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a writer waits its turn at BEGIN instead of failing at its first write.
        found["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
    else:
        # Nobody waits longer for a server that is away, or for a lock, than for SQLite's.
        # jit: to compile a question took 0.8 s, to answer it 0.3 s (the stages of 100,000 tasks).
        patience = {"connect_timeout": 5, "options": "-c lock_timeout=20s -c jit=off"}
        # One that vanished without a word, its host or the network with it, is noticed as soon.
        patience |= {"tcp_user_timeout": 20_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
        found |= {"ENGINE": "portal.postgresql", "OPTIONS": patience | found.get("OPTIONS", {})}
    return found


# FULL: an acknowledged objection survives a power cut, not only a crash of the process. secure_delete: what is deleted
# or overwritten is gone from the file, too.
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
DATABASES = {"default": database("DATABASE_URL", "portal.sqlite3", PRAGMAS)}
# To connect anew for each request would cost PostgreSQL two or three times, SQLite a tenth more.
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
# The keys of objections (objections.keyring) stay out of DATABASES: no backup of the database may hold them. EXTRA: with
# a journal that is deleted at each commit, only this makes the commit survive a power cut.
KEYRING = database("KEYRING_URL", "keyring.sqlite3", "PRAGMA synchronous=EXTRA; PRAGMA secure_delete=ON;")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

MEDIA_ROOT = env.str("MEDIA_ROOT", str(VAR_DIR / "media"))
# Attachments go through this scanner where it is set; while it is away, none is taken.
CLAMD_URL = env.str("CLAMD_URL", "")
if CLAMD_URL and not re.fullmatch(r"unix:///.+|tcp://([^/:]+|\[[\da-f:]+\]):\d+", CLAMD_URL):
    refuse("CLAMD_URL 应为 unix:///套接字路径 或 tcp://主机:端口，例如 unix:///run/clamav/clamd.ctl。")
# The search index: made from the published editions, so it is not worth a backup.
SEARCH_PATH = env.str("SEARCH_PATH", str(VAR_DIR / "search.db"))
# Grows by a byte with each public act, so that every process of this host shows it at once (notices.stamp).
STAMP_PATH = env.str("STAMP_PATH", str(VAR_DIR / "stamp"))
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(VAR_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "portal.static.BootstrapFinder",
]


def bucket(url: str) -> dict:
    """The storage that STORAGE_URL says: one bucket at one host, over HTTPS unless it says s3+http."""
    found = re.fullmatch(r"s3(\+http)?://([^:/@]+):([^/@]+)@([^/@?]+)/([\w.-]+)/?(?:\?region=([\w-]+))?", url)
    if not found:
        refuse("STORAGE_URL 应为 s3://密钥名:密钥@主机:端口/存储桶?region=区域，不经 HTTPS 的写 s3+http://。")
    plain, key, secret, host, name, region = found.groups()
    options = {"access_key": unquote(key), "secret_key": unquote(secret), "bucket_name": name}
    options |= {"endpoint_url": f"http{'' if plain else 's'}://{host}", "region_name": region or "us-east-1"}
    return {"BACKEND": "portal.buckets.Bucket", "OPTIONS": options}


# Attachments, evidence and photos: in this bucket where it is set, else under MEDIA_ROOT.
STORAGE_URL = env.str("STORAGE_URL", "")
FILES = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
STORAGES = {
    "default": bucket(STORAGE_URL) if STORAGE_URL else FILES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Mail ----------------------------------------------------------------------------------------------------------

try:
    _mail = env.email_url("EMAIL_URL", default="folder://")
except (KeyError, ValueError, ImproperlyConfigured):
    refuse("EMAIL_URL 不是有效的邮件服务器地址，例如 smtp://用户:密码@主机:25 或 smtp+tls://用户:密码@主机:587。")
vars().update(_mail)
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "portal@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Watching --------------------------------------------------------------------------------------------------------

# Who is told by mail what is wrong with the site, and whether the worker asks the site each minute if it is there.
ALARM_MAILBOXES = env.list("ALARM_MAILBOXES", default=[])
for _mailbox in ALARM_MAILBOXES:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", _mailbox):
        refuse(f"ALARM_MAILBOXES 中的“{_mailbox}”不是邮箱地址；多个地址以英文逗号分隔。")
MEASURE_OUTAGES = env.bool("MEASURE_OUTAGES", PUBLIC)

# --- Language, time, people -----------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = USE_TZ = True
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 12}
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # how long the link of an invitation works, in seconds

# Two factors for staff; only a trial on one's own machine goes without.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", True)
if PUBLIC and not STAFF_SECOND_FACTOR:
    refuse("STAFF_SECOND_FACTOR 只能在本机试用时关闭：公开的网站，后台登录必须有第二重验证。")

# Wrong passwords lock one name from one address, never a whole office behind its one address.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = datetime.timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "portal.proxies.address"
AXES_LOCKOUT_CALLABLE = "portal.admin_site.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has it
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

DEFAULT_EXCEPTION_REPORTER = "portal.reports.Report"
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.reports.NoValues"

# For programs where the public comes in, for people on a machine of one's own.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "portal.logs.JsonLines"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json" if PUBLIC else "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "portal.requests": {"level": "INFO" if PUBLIC else "WARNING"},
        "axes": {"level": "WARNING"},  # what it does stands in the audit trail
    },
}

# --- Monitoring ------------------------------------------------------------------------------------------------------

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    refuse("METRICS_TOKEN 太短：请用至少 20 个字符的随机串。")
