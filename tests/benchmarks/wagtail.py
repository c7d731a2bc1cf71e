"""The same pages in Wagtail: a notice of the same text, a form of the same fields, a search among as many notices.

`--wagtail PYTHON` names an interpreter that has wagtail and gunicorn (and psycopg2 for PostgreSQL). Both sites run under
gunicorn in the same way and take turns. Wagtail runs as its own project template sets it up; once with Django's page cache.
"""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.processes import Postgres

from . import reference
from .frame import Figure
from .pages import ROOT, Server, compared, site

NOTICES = 50
SETTINGS = '''
import os
from pathlib import Path
import dj_database_url_like as urls
BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY, DEBUG, ALLOWED_HOSTS, ROOT_URLCONF = "benchmark", False, ["*"], "rival.urls"
INSTALLED_APPS = """rival wagtail.contrib.forms wagtail.contrib.redirects wagtail.embeds wagtail.sites wagtail.users
wagtail.snippets wagtail.documents wagtail.images wagtail.search wagtail.admin wagtail modelcluster taggit django.contrib.admin
django.contrib.auth django.contrib.contenttypes django.contrib.sessions django.contrib.messages
django.contrib.staticfiles""".split()
MIDDLEWARE = """django.contrib.sessions.middleware.SessionMiddleware django.middleware.common.CommonMiddleware
django.middleware.csrf.CsrfViewMiddleware django.contrib.auth.middleware.AuthenticationMiddleware
django.contrib.messages.middleware.MessageMiddleware django.middleware.clickjacking.XFrameOptionsMiddleware
django.middleware.security.SecurityMiddleware wagtail.contrib.redirects.middleware.RedirectMiddleware""".split()
if os.environ.get("PAGE_CACHE"):
    MIDDLEWARE = ["django.middleware.cache.UpdateCacheMiddleware", *MIDDLEWARE, "django.middleware.cache.FetchFromCacheMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE_DIR / "templates"], "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "wagtail.sqlite3"}}
if os.environ.get("POSTGRES_PORT"):
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "portal",
        "HOST": "127.0.0.1", "PORT": os.environ["POSTGRES_PORT"], "CONN_MAX_AGE": 600}}
LANGUAGE_CODE, TIME_ZONE, USE_TZ, STATIC_URL, STATIC_ROOT = "zh-hans", "Asia/Shanghai", True, "/static/", BASE_DIR / "static"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAGTAIL_SITE_NAME, WAGTAILADMIN_BASE_URL = "公示", "http://127.0.0.1"
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
'''.replace("import dj_database_url_like as urls\n", "")
MODELS = """
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index
class NoticePage(Page):
    body = RichTextField()
    search_fields = [*Page.search_fields, index.SearchField("body")]
class Field(AbstractFormField):
    page = ParentalKey("ObjectionPage", related_name="form_fields")
class ObjectionPage(AbstractForm):
    pass
"""
URLS = """
from django.core.paginator import Paginator
from django.shortcuts import render
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.models import Page
def search(request):
    found = Page.objects.live().search(request.GET.get("q", ""))
    return render(request, "search.html", {"found": Paginator(found, 20).get_page(request.GET.get("page", 1))})
urlpatterns = [path("search/", search), path("", include(wagtail_urls))]
"""
BASE = """{% load wagtailcore_tags %}<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{ page.title }}</title>
<link rel="stylesheet" href="/static/site.css"></head><body><header><a href="/">整改公示</a><nav><ul><li><a href="/notices/">公示</a>
<li><a href="/search/">检索</a><li><a href="/object/">异议</a></ul></nav></header><main>{% block main %}{% endblock %}</main>
<footer><p>主办单位：青澜市生态环境局</p></footer></body></html>"""
TEMPLATES = {
    "base.html": BASE,
    "rival/notice_page.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<article><h1>{{ page.title }}</h1>'
    "<p>{{ page.first_published_at }}</p>{{ page.body|richtext }}</article>{% endblock %}",
    "rival/objection_page.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<h1>{{ page.title }}</h1>'
    '<form action="{% pageurl page %}" method="post">{% csrf_token %}{{ form.as_p }}<button>提交</button></form>{% endblock %}',
    "search.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<p>{{ found.paginator.count }}</p><ul>'
    '{% for page in found %}<li><a href="{% pageurl page %}">{{ page.title }}</a><p>{{ page.first_published_at }}</p>'
    "{% endfor %}</ul>{% endblock %}",
}
FILL = """
import json, sys
from wagtail.models import Page, Site
from rival.models import Field, NoticePage, ObjectionPage
home = Site.objects.get(is_default_site=True).root_page
for number, (title, lines) in enumerate(json.load(open("notices.json"))):
    home.add_child(instance=NoticePage(title=title, slug=f"n{number}", body="".join(f"<p>{line}</p>" for line in lines)))
form = home.add_child(instance=ObjectionPage(title="提出异议", slug="object"))
kinds = {"kind": "radio", "concerns": "dropdown", "content": "multiline", "anonymous": "checkbox", "name": "singleline",
    "phone": "singleline", "email": "email", "consent": "checkbox"}
for order, (name, kind) in enumerate(kinds.items()):
    Field.objects.create(page=form, sort_order=order, label=name, field_type=kind, choices="个人,单位", help_text="说明")
"""


def figures(small: bool) -> Iterator[Figure]:
    python = os.environ.get("WAGTAIL_PYTHON")
    if not python:
        raise SystemExit("which Python has wagtail? --wagtail PYTHON")
    for database, bar in (("sqlite", "≥ 2"), ("postgresql", "≥ 1.7")):
        with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
            folder = Path(made)
            folder.chmod(0o755)
            ours = theirs = {}
            if database == "postgresql":
                servers = [Postgres(folder / name) for name in ("ours", "theirs")]
                for each in servers:
                    stack.callback(each.end)
                ours, theirs = {"DATABASE_URL": servers[0].url}, {"POSTGRES_PORT": str(servers[1].port)}
            own = stack.enter_context(site(**ours))
            run = {"cwd": ROOT, "env": os.environ | own}
            number = reference.publish(folder, 3 if small else NOTICES, **run)
            rival(folder / "rival", python, 3 if small else NOTICES, theirs)
            yield from measured(
                own, number, {"python": python, "folder": folder / "rival", **theirs}, database, bar, small
            )


def rival(folder: Path, python: str, count: int, environment: dict) -> None:
    """Wagtail's site in `folder`, its database filled."""
    (folder / "rival").mkdir(parents=True)
    files = {"settings.py": SETTINGS, "models.py": MODELS, "urls.py": URLS, "__init__.py": ""}
    for name, content in files.items():
        (folder / "rival" / name).write_text(content)
    for name, content in TEMPLATES.items():
        (folder / "rival" / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "rival" / "templates" / name).write_text(content)
    (folder / "rival" / "wsgi.py").write_text(
        "from django.core.wsgi import get_wsgi_application as application\napplication = application()\n"
    )
    notices = [each.split("\n") for each in reference.texts(count)]
    (folder / "notices.json").write_text(json.dumps([(lines[0], lines[1:]) for lines in notices]))
    run = {"cwd": folder, "env": os.environ | environment | {"DJANGO_SETTINGS_MODULE": "rival.settings"}, "check": True}
    for command in (["makemigrations", "rival", "-v0"], ["migrate", "-v0"], ["shell", "-c", FILL]):
        subprocess.run([python, "-m", "django", *command], stdout=subprocess.DEVNULL, **run)


def measured(own: dict, number: str, where: dict, database: str, bar: str, small: bool) -> Iterator[Figure]:
    rounds, requests = (3, 60) if small else (7, 300)
    environment = {"DJANGO_SETTINGS_MODULE": "rival.settings"}
    with (
        Server("portal.wsgi:application", **own) as portal,
        Server("rival.wsgi:application", **where, **environment) as wagtail,
    ):
        pairs = {"notice": (f"/notices/{number}/", "/n0/"), "form": (f"/notices/{number}/object/", "/object/")}
        pairs["search"] = ("/notices/?q=COD", "/search/?q=COD")
        for name, (ours, theirs) in pairs.items():
            ratio = compared((portal, ours, {}), (wagtail, theirs, {}), rounds, requests)
            yield Figure(
                f"{name}, {database}: requests a second ÷ Wagtail", ratio[0], "≥ 20" if name == "notice" else bar
            )
            yield Figure(f"{name}, {database}: the same by processor time", ratio[1])
        if database == "sqlite":
            with Server("rival.wsgi:application", **where, **environment, PAGE_CACHE="1") as cached:
                ours, theirs = pairs["notice"]
                ratio = compared((portal, ours, {}), (cached, theirs, {}), rounds, 5 * requests)
                yield Figure("notice: requests a second ÷ Wagtail with its page cache", ratio[0], "≥ 2")
