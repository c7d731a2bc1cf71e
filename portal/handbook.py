"""The staff handbook 员工手册: what the reader may do, told by the help texts of the fields, the buttons and short guides.

It is made of the registered admins themselves, so it cannot fall behind them; only guides and what a button does are
written down, in handbook.toml.
"""

import dataclasses
import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.contrib import admin
from django.http import HttpRequest
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.documents import reports
from notices.downloads import as_download

TITLE = "员工手册"
ACTS = {"add": "新增", "change": "修改", "delete": "删除", "view": "查看"}


@dataclasses.dataclass(frozen=True)
class Field:
    """What is filled in; `help` is its help text."""

    name: str
    label: str
    help: str
    required: bool


@dataclasses.dataclass(frozen=True)
class Button:
    """A verb, what it does, and what it asks for."""

    name: str
    label: str
    text: str
    asks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Guide:
    title: str
    permission: str
    steps: tuple[str, ...]
    picture: str = ""  # a screen, under static/portal/handbook/


@dataclasses.dataclass(frozen=True)
class Chapter:
    """One kind of rows: what the reader may do with it, its fields by part of the page, its buttons."""

    model: str
    title: str
    acts: tuple[str, ...]
    parts: tuple[tuple[str, tuple[Field, ...]], ...]
    buttons: tuple[Button, ...]


@functools.cache
def written() -> dict:
    """What handbook.toml says."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def guides(user) -> list[Guide]:
    """How the work of this user is done, step by step."""
    found = [Guide(**each | {"steps": tuple(each["steps"])}) for each in written()["guide"]]
    return [each for each in found if user.has_perm(each.permission)]


def read_only(request: HttpRequest) -> list[str]:
    """What the reader can look at and no more."""
    return [each.title for each in _all(request) if not each.parts and not each.buttons]


def chapters(request: HttpRequest) -> list[Chapter]:
    """A chapter for each list in which the reader has something to do, in the order of the navigation."""
    return [each for each in _all(request) if each.parts or each.buttons]


def _all(request: HttpRequest) -> list[Chapter]:
    listed = [each["model"] for app in admin.site.get_app_list(request) for each in app["models"]]
    admins = [admin.site.get_model_admin(model) for model in listed]
    return [_chapter(each, request) for each in admins if each.has_view_permission(request)]


def _chapter(model_admin, request) -> Chapter:
    may = model_admin.get_model_perms(request)
    writes = may["add"] or may["change"]
    return Chapter(
        model_admin.opts.label_lower,
        capfirst(str(model_admin.opts.verbose_name)),
        tuple(label for act, label in ACTS.items() if may[act]),
        tuple(_parts(model_admin, request)) if writes else (),
        tuple(_buttons(model_admin, request)),
    )


def _parts(model_admin, request) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """(part of the page, its fields): the form first, then what is entered below it."""
    if own := _fields(model_admin.get_form(request), model_admin.get_readonly_fields(request)):
        yield "", own
    for inline in model_admin.get_inline_instances(request):
        form = inline.get_formset(request).form
        parent = {inline.get_formset(request).fk.name}
        if found := _fields(form, {*inline.get_readonly_fields(request), *parent}):
            yield str(inline.verbose_name_plural), found


def _fields(form, hidden) -> tuple[Field, ...]:
    """The fields of a form that somebody fills in."""
    return tuple(
        Field(name, capfirst(str(field.label)), strip_tags(str(field.help_text)), field.required)
        for name, field in form.base_fields.items()
        if name not in hidden and not field.widget.is_hidden
    )


def _buttons(model_admin, request) -> Iterator[Button]:
    texts = written().get(model_admin.opts.label_lower, {})
    for name, verb in getattr(model_admin, "verbs", {}).items():
        if request.user.has_perm(verb.permission):
            asks = tuple(str(field.label) for field in verb.form.base_fields.values())
            yield Button(name, verb.label, texts.get(name, ""), asks)


@never_cache
@require_safe
def page(request):
    """The handbook for this reader, made to be printed."""
    context = {
        **admin.site.each_context(request),
        "title": TITLE,
        "guides": guides(request.user),
        "chapters": chapters(request),
        "read_only": read_only(request),
    }
    return render(request, "admin/handbook.html", context)


@never_cache
@require_safe
def file(request):
    """The same as PDF."""
    now = timezone.now()
    return as_download(reports.to_pdf(report(request, now), at=now), f"{TITLE}.pdf", "pdf")


def report(request, now) -> reports.Report:
    """The handbook as headings, lines and tables."""
    parts = [
        reports.Part(
            guide.title, tuple(reports.line(f"{number}. {step}") for number, step in enumerate(guide.steps, 1))
        )
        for guide in guides(request.user)
    ]
    for chapter in chapters(request):
        parts += _printed(chapter)
    made = f"{timezone.localtime(now):%Y-%m-%d %H:%M} 按当前系统生成"
    return reports.Report(
        TITLE, "按角色列出能办的事、要填的内容和按钮", str(admin.site.site_header), (), tuple(parts), made
    )


def _printed(chapter: Chapter) -> Iterator[reports.Part]:
    yield reports.Part(chapter.title, (reports.line("可以：" + "、".join(chapter.acts)),))
    for title, fields in chapter.parts:
        rows = tuple((reports.line(field.label), reports.line(field.help or "—")) for field in fields)
        yield reports.Part(f"{chapter.title}：{title or '填写'}", head=("项目", "怎样填"), rows=rows)
    if chapter.buttons:
        rows = tuple((reports.line(each.label), reports.line(each.text)) for each in chapter.buttons)
        yield reports.Part(f"{chapter.title}：按钮", head=("按钮", "作用"), rows=rows)
