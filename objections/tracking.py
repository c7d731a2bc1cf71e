"""What the holder of a receipt code sees and does. The code comes by POST each time and stands in no address."""

import logging
import secrets

from django import db
from django.core import signing
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notices import attachments
from notices.models import NotAllowed

from . import keyring, outcomes, own_data, throttle
from .forms import ErasureForm, MaterialForm, TrackingForm, WithdrawalForm
from .models import AlreadyReceived, Objection
from .uploads import read_post
from .vault import Unavailable
from .views import AWAY, CHOOSE_AGAIN, ready_again, try_later

log = logging.getLogger(__name__)
SALT = "objections.material"
SEALED = _("系统暂时读不出这条异议，请过几分钟再试。回执码没有问题，不用重新提交异议。")


def with_code(act):
    """A view that is given the objection and its code, `act(request, objection, code)`; a wrong code is said beside
    its field. It has no CSRF cookie, like the objection form: it acts for no session, the code is what it acts by."""

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request):
        if request.method != "POST":
            return redirect("objections:track")
        if not read_post(request):
            return _ask(request, TrackingForm(), status=413, too_large=attachments.MAX_BODY // attachments.MEGABYTE)
        form, typed = TrackingForm(request.POST), request.POST.get("text", "")
        try:
            objection = Objection.objects.by_code(form.cleaned_data["code"]) if form.is_valid() else None
            if objection:
                return act(request, objection, form.cleaned_data["code"])
        except (keyring.Unavailable, db.Error) as error:
            log.error("tracking: %s", type(error).__name__)
            return _away(request, form)
        if form.is_valid():
            form.add_error("code", _("没有找到这个回执码。请核对每一组字符；如已遗失，请致电受理部门。"))
        if throttle.is_guessing(request.META.get("REMOTE_ADDR", ""), timezone.now()):
            form.add_error("code", _("从您所在的网络输错的次数很多，请核对后过几分钟再试。正确的回执码随时可以查询。"))
        return _ask(request, form, status=422, typed=typed)

    return view


def _away(request, form):
    """Database or keyring do not answer: what was to be done is handed back, ready to be sent again."""
    if set(request.POST) > {"code"}:
        return ready_again(request, next((name for name in ("text", "reason") if name in request.POST), ""))
    form.add_error("code", SEALED)
    return try_later(_ask(request, form, status=503, checkpoint=None))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def track(request):
    """What became of an objection, for whoever holds its receipt code."""
    return story(request) if request.method == "POST" else _ask(request, TrackingForm())


@with_code
def story(request, objection, code):
    return show(request, objection, code)


@with_code
def add_material(request, objection, code):
    """Text or files in addition; a second post of the same form adds nothing."""
    form = MaterialForm(request.POST, request.FILES, office=objection.notice.edition.receiving_office)
    token = request.POST.get("token", "")
    if not _belongs(token, objection):
        form.add_error(None, _("这份表单已经失效，您填写的内容还在，请核对后再提交一次。"))
        return _material_page(request, objection, code, form)
    try:
        if not form.is_valid() or not form.is_harmless():
            return _material_page(request, objection, code, form, token)
        objection.add_material(token=token, text=form.cleaned_data["text"], attachments=form.checked)
    except Unavailable as error:
        log.error("attachments: %s", error)
        form.complain_of_files(AWAY)
        return _material_page(request, objection, code, form, token, status=503)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return _material_page(request, objection, code, form, token)
    except AlreadyReceived as earlier:
        if not earlier.same:
            form.add_error(
                None, _("刚才用这份表单补充的内容已经收到。现在的内容与那次不同：如要再补充，请再提交一次。")
            )
            return _material_page(request, objection, code, form)
    return show(request, objection, code, told="added")


@with_code
def withdraw(request, objection, code):
    """Take the objection back, until it is done."""
    form = WithdrawalForm(request.POST, auto_id="withdraw_%s")
    if not objection.withdrawn_at and not form.is_valid():
        return show(request, objection, code, status=422, withdrawal=form)
    return _do(request, objection, code, "withdrawn", lambda: objection.withdraw(reason=form.cleaned_data["reason"]))


@with_code
def ask_for_erasure(request, objection, code):
    """Ask that what tells of the person be erased."""
    form = ErasureForm(request.POST, auto_id="erase_%s")
    if not objection.erasure_asked_at and not form.is_valid():
        return show(request, objection, code, status=422, erasure=form)
    return _do(request, objection, code, "erasure_asked", objection.request_erasure)


@with_code
def download(request, objection, code):
    """Everything the portal holds about the objection, for its objector, as one ZIP file."""
    try:
        objection.hand_out()
        archive = own_data.archive(objection)
    except NotAllowed as refusal:
        return show(request, objection, code, status=422, refusal=str(refusal))
    except Unavailable as error:
        log.error("attachments: %s", error)
        return show(
            request, objection, code, status=503, refusal=_("有附件暂时读不出来，请稍后再下载，或联系受理部门。")
        )
    return FileResponse(archive, as_attachment=True, filename=f"{objection.number}.zip")


def _do(request, objection, code, fact, verb):
    """Do it once: whoever presses again is told the same."""
    try:
        if not getattr(objection, f"{fact}_at"):
            verb()
    except NotAllowed as refusal:
        objection.refresh_from_db()
        if not getattr(objection, f"{fact}_at"):
            return show(request, objection, code, status=422, refusal=str(refusal))
    return show(request, objection, code, told=fact)


def _new_token(objection: Objection) -> str:
    """A signed token for one form of added material: of which objection, and a nonce."""
    return signing.dumps({"o": objection.pk, "x": secrets.token_urlsafe(16)}, salt=SALT)


def _belongs(token: str, objection: Objection) -> bool:
    """Whether this site gave out the token for a form of this objection."""
    try:
        return signing.loads(token, salt=SALT)["o"] == objection.pk
    except (signing.BadSignature, KeyError, TypeError):
        return False


def _material_page(request, objection, code, form, token="", status=422):
    if request.FILES and "attachments" in form.fields:
        form.add_error("attachments", CHOOSE_AGAIN)
    return show(request, objection, code, status=status, material=form, token=token)


def show(request, objection, code, *, status=200, token="", **context):
    """The story of an objection with what its holder can do; `context` may bring forms that were refused."""
    office = objection.notice.edition.receiving_office
    forms = {
        "material": MaterialForm(office=office),
        "withdrawal": WithdrawalForm(auto_id="withdraw_%s"),
        "erasure": ErasureForm(auto_id="erase_%s"),
    } | {name: context.pop(name) for name in ("material", "withdrawal", "erasure") if name in context}
    context |= forms | {
        "code": code,
        "token": token or _new_token(objection),
        "counted": outcomes.counted_proof(objection),
        "refused": next((form for form in forms.values() if form.errors), None),
        "keep": f"add-{objection.content_digest[:16]}",  # names the text that the browser keeps, tells of nobody
    }
    return render(request, "objections/track.html", {"objection": objection, **context}, status=status)


def _ask(request, form, status=200, **context):
    return render(request, "objections/code.html", {"form": form, **context}, status=status)
