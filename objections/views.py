"""The public side of objections: the form, the receipt, the tracking page."""

import functools
import logging
import secrets
import time

from cryptography.fernet import InvalidToken
from django import db
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from notices import attachments
from notices.encryption import cipher
from notices.models import Edition, PublicityNotice
from notices.snapshots import Part, remembered
from notices.views import telephones

from . import keyring, receipts, throttle
from .forms import ObjectionForm, Opened, new_token, read_token, takes_objections
from .models import AlreadyReceived, Objection
from .models.desk import Desk
from .models.terms import form_until
from .uploads import read_post
from .vault import Unavailable

log = logging.getLogger(__name__)

RECEIPT_COOKIE = "receipt"
RECEIPT_COOKIE_AGE = 60 * 60  # seconds
CHOOSE_AGAIN = _("您填写的文字都还在；附件没有保存，请重新选择。")
NOT_STORED = _("系统暂时不能保存，这次没有保存。您填写的内容都还在，请过几分钟再点一次“提交异议”。")
AWAY = _("附件暂时无法检查或保存，这次没有提交。请稍后再试，或不带附件先提交文字。")
RETRY_AFTER = 30  # seconds
PLACE = secrets.token_hex(16).encode()  # stands where a form's own token goes; nobody can guess it


def _keeps_what_was_typed(view):
    """While the database is away, locked or full, a post answers 503 with what was typed, ready to be sent again."""

    @functools.wraps(view)
    def safely(request, reference):
        try:
            return view(request, reference)
        except db.Error:
            if request.method != "POST":
                raise
            log.exception("objection not stored")
            return ready_again(request, "content")

    return safely


def ready_again(request, shown: str):
    """503 with a form that sends what was posted once more; the field `shown` is seen and can be copied, if any."""
    typed = [(name, text) for name, text in request.POST.items() if name != shown]
    context = {"typed": typed, "shown": shown, "text": request.POST.get(shown, ""), "checkpoint": None}
    return try_later(render(request, "objections/away.html", context, status=503))


def try_later(response):
    response.headers["Retry-After"] = RETRY_AFTER
    return response


# No CSRF cookie: the form carries a signed token of its own, acts for no session, and must not
# refuse what somebody typed because a telephone dropped a cookie.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_keeps_what_was_typed
def object_to(request, reference):
    """The objection form of a notice; a good post answers 303, a bad one 422 with what was typed."""
    now = timezone.now()  # before the files come in: a slow line makes nobody late
    if request.method != "POST":
        page = remembered(request, lambda: _empty_form(request, _notice(reference), now))
        token = new_token(Opened(*page.about), now) if page.about else ""
        return HttpResponse(page.content.replace(PLACE, token.encode()))
    is_read = read_post(request)
    desk = _desk(request, reference)
    return _receive(request, desk, now) if is_read else _too_large(request, desk.notice)


def _desk(request, reference) -> Desk:
    """Read once for all posts of the same moment; an act that changes anything about it ends that moment."""
    return remembered(request, lambda: Part(b"", (Desk.of(_notice(reference)),))).about[0]


def _notice(reference) -> PublicityNotice:
    found = PublicityNotice.objects.public()
    found = found.select_related("edition__receiving_office__organisation", "organisation")
    return get_object_or_404(found, reference=reference)


def _empty_form(request, notice, now) -> Part:
    """The form as everybody gets it, with PLACE for its token; or the page that says why there is none."""
    if not takes_objections(notice, now):
        return Part(_not_open(request, notice).content)
    concerned = {"concerns": request.GET.get("item", "notice")}
    form = ObjectionForm(notice=notice, document=notice.edition.read(), initial=concerned)
    return Part(_form_page(request, notice, form, PLACE.decode()).content, (notice.pk, notice.edition_id))


def _receive(request, desk, now):
    notice = desk.notice
    token = request.POST.get("token", "")
    opened = read_token(token, notice)
    if not takes_objections(notice, opened[1] if opened else now):
        return _not_open(request, notice, typed=request.POST.get("content", ""))
    form = ObjectionForm(request.POST, request.FILES, notice=notice, document=notice.edition.read())
    if not opened:
        form.add_error(None, _("这份表单已经失效，您填写的内容还在，请核对后再点一次“提交异议”。"))
        return _form_page(request, notice, form, new_token(notice, now), status=422)
    edition = _seen(notice, opened[0])
    admitted = functools.partial(_is_admitted, request, form, token, opened[1], now)
    arrival = {"edition": edition, "token": token, "opened_at": opened[1], "at": now, "desk": desk}
    try:
        if not form.is_valid() or not form.is_harmless() or not form.store(admitted=admitted, **arrival):
            return _form_page(request, notice, form, token, status=422)
    except keyring.Unavailable as error:
        log.error("%s", error)
        form.add_error(None, NOT_STORED)
        return try_later(_form_page(request, notice, form, token, status=503))
    except Unavailable as error:
        log.error("attachments: %s", error)
        form.complain_of_files(AWAY)
        return try_later(_form_page(request, notice, form, token, status=503))
    except AlreadyReceived as earlier:
        if not earlier.same:
            form.add_error(
                None,
                _(
                    "您刚才用这份表单提交的内容已经收到（受理编号 %(number)s）。"
                    "现在的内容与那次不同：如要作为另一条异议提交，请再点一次“提交异议”。"
                )
                % {"number": earlier.objection.number},
            )
            return _form_page(request, notice, form, new_token(notice, opened[1]), status=422)
    return _to_receipt(token)


def _seen(notice, pk: int) -> Edition:
    """The edition that the form was opened on, mostly the one that stands."""
    edition = notice.edition if pk == notice.edition_id else get_object_or_404(Edition, pk=pk, notice=notice)
    edition.notice = notice
    return edition


def _is_admitted(request, form, token, opened_at, now) -> bool:
    """Whether the objection is stored at once; else the form goes back with a question, because very much comes from
    there. A second post of a form that was received is not asked: it is shown its receipt again."""
    if not throttle.doubts(request.META.get("REMOTE_ADDR", ""), opened_at, now):
        return True
    if Objection.objects.has_received(token) or throttle.is_right(token, request.POST.get("answer", "")):
        return True
    form.ask(in_haste=now - opened_at < throttle.HASTE)
    return False


def _form_page(request, notice, form, token, status=200):
    if request.FILES and "attachments" in form.fields:
        form.add_error("attachments", CHOOSE_AGAIN)
    context = {
        "notice": notice,
        "edition": notice.edition,
        "form": form,
        "token": token,
        "keep": f"object-{notice.reference}",
        "today": timezone.localdate(),
        "until": form_until(notice),
    }
    return render(request, "objections/form.html", context, status=status)


def _too_large(request, notice):
    limits = {"text": attachments.LIMITS, "body": attachments.MAX_BODY // attachments.MEGABYTE}
    context = {"notice": notice, "limits": limits, "phones": telephones(notice.edition.receiving_office.phone)}
    return render(request, "objections/too_large.html", context, status=413)


def _not_open(request, notice, typed=""):
    context = {
        "notice": notice,
        "edition": notice.edition,
        "state": notice.state(),
        "typed": typed,
        "phones": telephones(notice.edition.receiving_office.phone),
    }
    return render(request, "objections/not_open.html", context, status=422 if typed else 200)


def _to_receipt(token: str) -> HttpResponse:
    """303 to the receipt page; the token travels encrypted in a cookie that only that page is sent."""
    response = HttpResponseRedirect(reverse("objections:received"), status=303)
    response.set_cookie(
        RECEIPT_COOKIE,
        cipher().encrypt(token.encode()).decode(),
        max_age=RECEIPT_COOKIE_AGE,
        path=reverse("objections:received"),
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


@never_cache
@require_safe
def received(request):
    """The receipt: code, number, time. Shown only to the browser that posted."""
    return render(request, "objections/received.html", _receipt(request))


@never_cache
@require_safe
def receipt_text(request):
    """The receipt as a text file to save."""
    receipt = _receipt(request)
    if not receipt["objection"]:
        return redirect("objections:received")
    response = render(request, "objections/receipt.txt", receipt, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{receipt['objection'].number}.txt")
    return response


def _receipt(request) -> dict:
    """What the cookie of `_to_receipt` opens: the objection, None without one, its code, and whether its form was
    opened before the close."""
    try:
        token = _token_in(request.COOKIES.get(RECEIPT_COOKIE, "").encode())
    except InvalidToken:
        return {"objection": None}
    code = receipts.code_for(token)
    objection = Objection.objects.by_code(code)
    if not objection:
        return {"objection": None}
    in_time = timezone.localdate(objection.opened_at) <= objection.notice.edition.closes_on
    return {"objection": objection, "code": code, "opened_in_time": in_time}


def _token_in(cookie: bytes) -> str:
    """The form token that the cookie holds for an hour. Raises InvalidToken.

    Fernet's own limit refuses what comes from the future: with two hosts that differ by a minute, or a clock that was
    put back, somebody would never see their code.
    """
    token = cipher().decrypt(cookie)
    if time.time() - cipher().extract_timestamp(cookie) > RECEIPT_COOKIE_AGE:
        raise InvalidToken
    return token.decode()
