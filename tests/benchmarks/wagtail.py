"""The same pages in Wagtail: a notice of the same text, a form of the same fields, a search among as many notices that
shows as much: states, windows, organisations, where the words stand, and how many each value of each filter would leave.

`--wagtail PYTHON` names an interpreter that has wagtail and gunicorn (and psycopg2 for PostgreSQL). Both sites run under
gunicorn in the same way and take turns. Wagtail runs as its own project template sets it up; once with Django's page cache.
"""

import contextlib
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.processes import Postgres

from . import reference
from .frame import Figure
from .pages import ROOT, Server, compared, load_each, site

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
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index
class Organisation(models.Model):
    code, name = models.CharField(max_length=12), models.CharField(max_length=99)
class Round(models.Model):
    name = models.CharField(max_length=99)
class NoticePage(Page):
    body = RichTextField()
    organisation, round = models.ForeignKey(Organisation, models.PROTECT), models.ForeignKey(Round, models.PROTECT)
    kind, year = models.CharField(max_length=9), models.IntegerField()
    opens_on, closes_on = models.DateField(), models.DateField()
    search_fields = [*Page.search_fields, index.SearchField("body"), *map(index.FilterField, (
        "organisation_id", "round_id", "kind", "year", "opens_on", "closes_on"))]
class Field(AbstractFormField):
    page = ParentalKey("ObjectionPage", related_name="form_fields")
class ObjectionPage(AbstractForm):
    pass
"""
URLS = """
import datetime, re
from django.core.paginator import Paginator
from django.shortcuts import render
from django.urls import include, path
from django.utils.html import escape, strip_tags
from django.utils.safestring import mark_safe
from wagtail import urls as wagtail_urls
from wagtail.models import Page
from rival.models import NoticePage, Organisation, Round
def titles(request):
    found = Page.objects.live().search(request.GET.get("q", ""))
    return render(request, "titles.html", {"found": Paginator(found, 20).get_page(request.GET.get("page", 1))})
def marked(text, words):
    return mark_safe(re.sub("|".join(map(re.escape, words)), r"<mark>\\g<0></mark>", escape(text), flags=re.I))
def excerpts(body, words):
    places = [body.lower().find(word.lower()) for word in words][:2]
    return [marked("…" + strip_tags(body[max(at - 36, 0) : at + 40]) + "…", words) for at in places if at >= 0]
def search(request):
    today, words = datetime.date.today(), request.GET.get("q", "").split()
    pages = NoticePage.objects.live().select_related("organisation", "round")
    for name in ("organisation_id", "round_id", "year", "kind"):
        if request.GET.get(name):
            pages = pages.filter(**{name: request.GET[name]})
    def asked(pages):
        return pages.search(" ".join(words), operator="and")
    states = {"公示中": pages.filter(opens_on__lte=today, closes_on__gte=today), "未开始": pages.filter(opens_on__gt=today),
        "已结束": pages.filter(closes_on__lt=today)}
    found = Paginator(asked(pages), 20).get_page(request.GET.get("page", 1))
    for page in found:
        page.marked, page.excerpts = marked(page.title, words), excerpts(page.body, words)
        page.length, page.passed = (page.closes_on - page.opens_on).days + 1, (today - page.opens_on).days + 1
        page.days_left = page.length - page.passed + 1
    names = {"organisation_id": {each.pk: each.name for each in Organisation.objects.all()},
        "round_id": {each.pk: each.name for each in Round.objects.all()}, "kind": {"task": "整改任务", "petition": "信访"}}
    filters = {name: [(value, names.get(name, {}).get(value, value), count) for value, count in asked(pages).facet(name).items()]
        for name in ("organisation_id", "round_id", "year", "kind")}
    states = {state: asked(rows).count() for state, rows in states.items()}
    return render(request, "search.html", {"found": found, "filters": filters, "states": states})
urlpatterns = [path("search/", search), path("titles/", titles), path("", include(wagtail_urls))]
"""
BASE = """{% load wagtailcore_tags %}<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{ page.title }}</title>
<link rel="stylesheet" href="/static/site.css"></head><body><header><a href="/">整改公示</a><nav><ul><li><a href="/notices/">公示</a>
<li><a href="/search/">检索</a><li><a href="/object/">异议</a></ul></nav></header><main>{% block main %}{% endblock %}</main>
<footer><p>主办单位：青澜市生态环境局</p></footer></body></html>"""
SEARCH = """{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<h1>公示</h1><form><label for="q">搜索公示全文</label>
<input type="search" id="q" name="q" value="{{ request.GET.q }}" maxlength="100"><button>搜索</button>
{% for name, choices in filters.items %}<label for="{{ name }}">{{ name }}</label><select id="{{ name }}" name="{{ name }}">
<option value="">全部</option>{% for value, label, count in choices %}<option value="{{ value }}">{{ label }}（{{ count }}）</option>
{% endfor %}</select>{% endfor %}<button>筛选</button></form><nav><ul>{% for state, count in states.items %}<li><a
href="{% querystring state=state page=None %}">{{ state }}<span>{{ count }}</span></a></li>{% endfor %}</ul></nav><p>共{{ found.paginator.count }}份公示，
第{{ found.number }}页，共{{ found.paginator.num_pages }}页</p><ul>{% for page in found %}<li><div><span class="state"><svg viewBox="0 0 16 16" width="16"
height="16" aria-hidden="true"><circle cx="8" cy="8" r="6.25" /></svg>公示中</span><span>还剩<strong>{{ page.days_left }}</strong>天</span></div>
<h2><a href="{% pageurl page %}">{{ page.marked }}</a></h2>{% for excerpt in page.excerpts %}<p>{{ excerpt }}</p>{% endfor %}
<progress max="{{ page.length }}" value="{{ page.passed }}" aria-label="公示期共{{ page.length }}天，今天是第{{ page.passed }}天"></progress>
<p><span>{{ page.organisation.name }}</span><span><time datetime="{{ page.opens_on|date:"Y-m-d" }}">{{ page.opens_on|date:"Y年n月j日" }}</time>至
<time datetime="{{ page.closes_on|date:"Y-m-d" }}">{{ page.closes_on|date:"n月j日" }}</time></span></p></li>{% endfor %}</ul>
{% if found.has_next %}<a rel="next" href="{% querystring page=found.next_page_number %}">下一页</a>{% endif %}{% endblock %}"""
TEMPLATES = {
    "base.html": BASE,
    "rival/notice_page.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<article><h1>{{ page.title }}</h1>'
    "<p>{{ page.first_published_at }}</p>{{ page.body|richtext }}</article>{% endblock %}",
    "rival/objection_page.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<h1>{{ page.title }}</h1>'
    '<form action="{% pageurl page %}" method="post">{% csrf_token %}{{ form.as_p }}<button>提交</button></form>{% endblock %}',
    "titles.html": '{% extends "base.html" %}{% load wagtailcore_tags %}{% block main %}<p>{{ found.paginator.count }}</p><ul>'
    '{% for page in found %}<li><a href="{% pageurl page %}">{{ page.title }}</a><p>{{ page.first_published_at }}</p>'
    "{% endfor %}</ul>{% endblock %}",
    "search.html": SEARCH,
}
FILL = """
import datetime, json, sys
from wagtail.models import Page, Site
from rival.models import Field, NoticePage, ObjectionPage, Organisation, Round
home, today = Site.objects.get(is_default_site=True).root_page, datetime.date.today()
organisations = [Organisation.objects.create(code=f"99030{n}", name=f"青澜市第{n}生态环境局") for n in range(3)]
rounds = [Round.objects.create(name=f"第{n}轮督察") for n in (1, 2)]
for number, (title, lines) in enumerate(json.load(open("notices.json"))):
    home.add_child(instance=NoticePage(title=title, slug=f"n{number}", body="".join(f"<p>{line}</p>" for line in lines),
        organisation=organisations[number % 3], round=rounds[number % 2], kind=("task", "petition")[number % 9 == 0],
        year=today.year, opens_on=today, closes_on=today + datetime.timedelta(days=20)))
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


def questions() -> Iterator[str]:
    """Three words at a time that every notice has, each three once: nobody has searched for them before."""
    return map("+".join, itertools.permutations(reference.MONITORED, 3))


def measured(own: dict, number: str, where: dict, database: str, bar: str, small: bool) -> Iterator[Figure]:
    rounds, requests = (3, 60) if small else (7, 300)
    environment = {"DJANGO_SETTINGS_MODULE": "rival.settings"}
    with (
        Server("portal.wsgi:application", **own) as portal,
        Server("rival.wsgi:application", **where, **environment) as wagtail,
    ):
        pairs = {"notice": (f"/notices/{number}/", "/n0/"), "form": (f"/notices/{number}/object/", "/object/")}
        for name, (ours, theirs) in pairs.items():
            ratio = compared((portal, ours, {}), (wagtail, theirs, {}), rounds, requests)
            yield Figure(
                f"{name}, {database}: requests a second ÷ Wagtail", ratio[0], "≥ 20" if name == "notice" else bar
            )
            yield Figure(f"{name}, {database}: the same by processor time", ratio[1])
        for name, theirs, its_bar in (("search", "/search/", bar), ("search ÷ titles and dates alone", "/titles/", "")):
            asked = (portal, "/notices/?q=", questions()), (wagtail, f"{theirs}?q=", questions())
            ratio = compared(*asked, rounds, requests, load_each)
            yield Figure(f"{name}, {database}: requests a second ÷ Wagtail", ratio[0], its_bar)
            yield Figure(f"{name}, {database}: the same by processor time", ratio[1])
        if database == "sqlite":
            with Server("rival.wsgi:application", **where, **environment, PAGE_CACHE="1") as cached:
                ours, theirs = pairs["notice"]
                ratio = compared((portal, ours, {}), (cached, theirs, {}), rounds, 5 * requests)
                yield Figure("notice: requests a second ÷ Wagtail with its page cache", ratio[0], "≥ 2")
