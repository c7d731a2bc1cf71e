"""Open data: what the public pages say, as JSON under /api/v1/. Editions only; anyone may read, nobody can change anything.

What each address takes and gives is in openapi.json; tests/test_api.py holds the two together.
"""

import functools
import json
import pathlib

from django import forms
from django.conf import settings
from django.core import signing
from django.core.validators import RegexValidator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .answers import kept
from .models import Checkpoint, Edition, InspectionRound, Organisation, PublicityNotice, RectificationTask, Stage
from .snapshots import prepared
from .views import PUBLIC_STATES, public_notices

LIMIT = 50
CURSOR = signing.Signer(salt="api-cursor")
FILES = {"json": "json", "txt": "text", "pdf": "pdf", "docx": "docx"}
OPENAPI = pathlib.Path(__file__).with_name("openapi.json")


class BadQuery(Exception):
    """A parameter that cannot be; the message says which, in Chinese."""


class Query(forms.Form):
    """What an address takes; a parameter that is not named here is refused, so that no typing error goes unnoticed."""

    def read(self) -> dict:
        """The parameters as values. Raises BadQuery."""
        if unknown := set(self.data) - set(self.fields):
            raise BadQuery(f"没有这样的参数：{'、'.join(sorted(unknown))}。")
        if not self.is_valid():
            name, messages = next(iter(self.errors.items()))
            raise BadQuery(f"参数{name}有误：{messages[0]}")
        return self.cleaned_data


class PageQuery(Query):
    cursor = forms.CharField(max_length=100, required=False)
    limit = forms.IntegerField(min_value=1, max_value=100, required=False)

    def clean_cursor(self) -> int | None:
        """The row that the page before ended with."""
        try:
            return int(CURSOR.unsign(self.cleaned_data["cursor"])) if self.cleaned_data["cursor"] else None
        except (signing.BadSignature, ValueError) as error:
            raise forms.ValidationError("请照抄上一页给出的 next。") from error


class NoticeQuery(PageQuery):
    state = forms.ChoiceField(choices=[(state.value, state.label) for state in PUBLIC_STATES], required=False)
    organisation = forms.CharField(required=False, validators=[RegexValidator(r"^[0-9-]{1,20}\Z")])
    round = forms.SlugField(required=False)
    year = forms.IntegerField(min_value=2000, max_value=2100, required=False)


class TaskQuery(PageQuery):
    round = forms.SlugField(required=False)


def open_data(query: type[Query] = Query):
    """A view whose answer is the JSON of what the function returns for the values of `query`.

    Pages of any other site may read it. 400 for parameters that cannot be, 404 for what is not there, as JSON too.
    """

    def decorated(make):
        @csrf_exempt  # so that a POST is told that it is the wrong method
        @prepared(*query.base_fields)
        @require_safe
        @functools.wraps(make)
        def view(request, **where):
            try:
                response = kept(request, "application/json", _json(make(query(request.GET).read(), **where)))
            except BadQuery as error:
                response = HttpResponse(_json({"error": str(error)}), status=400, content_type="application/json")
            except Http404:
                missing = _json({"error": "没有这条数据，或者还没有公开。"})
                response = HttpResponse(missing, status=404, content_type="application/json")
            response["Access-Control-Allow-Origin"] = "*"
            return response

        return view

    return decorated


def _json(value) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _page(name: str, rows, said: dict, show) -> dict:
    """One page of `rows`, each as `show` gives it, and the address of the next one."""
    limit = said["limit"] or LIMIT
    found = list(rows[: limit + 1])
    more = None
    if len(found) > limit:
        kept_filters = {key: value for key, value in said.items() if value and key != "cursor"}
        more = _url(name, query=kept_filters | {"cursor": CURSOR.sign(found[limit - 1].pk)})
    return {"results": [show(row) for row in found[:limit]], "next": more}


def _url(name: str, *arguments, query: dict | None = None) -> str:
    return settings.SITE_URL + reverse(f"notices:{name}", args=arguments, query=query)


def _stamp(moment) -> str | None:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else None


# ---- notices


@open_data(NoticeQuery)
def notices(said: dict):
    rows = public_notices().in_state(said["state"], timezone.localdate())
    if said["organisation"]:
        rows = rows.filter(organisation__code=said["organisation"])
    if said["round"]:
        rows = rows.filter(Q(edition__in=Edition.objects.filter(tasks__round__slug=said["round"])))
    if said["year"]:
        rows = rows.filter(reference__startswith=f"{said['year']}-")
    if said["cursor"]:
        last = PublicityNotice.objects.filter(pk=said["cursor"]).values_list("published_at", flat=True).first()
        rows = (
            rows.filter(Q(published_at__lt=last) | Q(published_at=last, pk__lt=said["cursor"])) if last else rows.none()
        )
    return _page("api-notices", rows, said, _notice)


@open_data()
def notice(said: dict, reference: str):
    found = get_object_or_404(public_notices(), reference=reference)
    edition = found.edition
    document = None if edition.is_redacted else json.loads(bytes(edition.document))
    tasks = [_url("task", pk) for pk in edition.tasks.values_list("pk", flat=True)]
    return _notice(found) | {"document": document, "tasks": tasks}


def _notice(notice: PublicityNotice) -> dict:
    edition, reference = notice.edition, notice.reference
    return {
        "reference": reference,
        "title": edition.title,
        "state": notice.state().value,
        "organisation": {"code": notice.organisation.code, "name": notice.organisation.name},
        "opens_on": str(edition.opens_on),
        "closes_on": str(edition.closes_on),
        "published_at": _stamp(notice.published_at),
        "is_archive": notice.is_archive,
        "withdrawn_at": _stamp(notice.withdrawn_at),
        "withdrawal_reason": notice.withdrawal_reason if notice.withdrawn_at else "",
        "edition": edition.number,
        "digest": edition.digest,
        "url": _url("notice", reference),
        "editions_url": _url("api-editions", reference),
        "files": {kind: _url(name, reference) for kind, name in FILES.items()},
    }


@open_data()
def editions(said: dict, reference: str):
    found = get_object_or_404(public_notices(), reference=reference)
    rows = found.editions.visible().select_related("redaction", "confirmation").order_by("number")
    return {"results": [_edition(reference, row) for row in rows]}


def _edition(reference: str, edition: Edition) -> dict:
    return {
        "number": edition.number,
        "act": edition.act,
        "title": edition.title,
        "opens_on": str(edition.opens_on),
        "closes_on": str(edition.closes_on),
        "published_at": _stamp(edition.published_at),
        "reason": edition.reason,
        "digest": edition.digest,
        "is_redacted": edition.is_redacted,
        "is_unconfirmed": edition.is_unconfirmed,
        "log_sequence": edition.sequence,
        "url": _url("edition", reference, edition.number),
        "json_url": _url("edition-json", reference, edition.number),
        "proof_url": _url("proof", reference, edition.number),
    }


# ---- what notices are about, who publishes them, how they can be checked


@open_data()
def rounds(said: dict):
    rows = InspectionRound.objects.all()
    return {"results": [_round(row) for row in rows]}


def _round(found: InspectionRound) -> dict:
    return {
        "slug": found.slug,
        "name": found.name,
        "level": found.level,
        "kind": found.kind,
        "feedback_on": found.feedback_on and str(found.feedback_on),
        "plan_on": found.plan_on and str(found.plan_on),
        "url": _url("round", found.slug),
        "tasks_url": _url("api-tasks", query={"round": found.slug}),
    }


@open_data(TaskQuery)
def tasks(said: dict):
    rows = RectificationTask.objects.public().staged().select_related("round").order_by("pk")
    if said["round"]:
        rows = rows.filter(round__slug=said["round"])
    if said["cursor"]:
        rows = rows.filter(pk__gt=said["cursor"])
    return _page("api-tasks", rows, said, _task)


def _task(task: RectificationTask) -> dict:
    return {
        "id": task.pk,
        "round": task.round.slug,
        "kind": task.kind,
        "number": task.number,
        "sub_number": task.sub_number,
        "label": task.label,
        "stage": Stage(task.derived_stage).value,
        "url": _url("task", task.pk),
    }


@open_data()
def organisations(said: dict):
    public = Q(notices__edition__public_from__lte=timezone.now())
    rows = Organisation.objects.annotate(count=Count("notices", public)).filter(count__gt=0)
    return {"results": [_organisation(row) for row in rows]}


def _organisation(organisation: Organisation) -> dict:
    return {
        "code": organisation.code,
        "name": organisation.name,
        "kind": organisation.kind,
        "notice_count": organisation.count,
        "notices_url": _url("api-notices", query={"organisation": organisation.code}),
    }


@open_data()
def log(said: dict):
    newest = Checkpoint.objects.newest()
    return {
        "size": newest.size if newest else 0,
        "checkpoint": str(newest) if newest else None,
        "checkpoint_url": _url("checkpoint"),
        "entries_url": _url("entries"),
    }


@open_data()
def openapi(said: dict):
    return json.loads(OPENAPI.read_text(encoding="utf-8")) | {"servers": [{"url": settings.SITE_URL}]}


@open_data()
def nothing(said: dict, rest: str):
    """Every other address under /api/v1/."""
    raise Http404(rest)
