"""The code of an authenticator app after the password: enrolled by QR at the first login, with recovery codes."""

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import devices_for_user, login

from notices.models import TrailEntry

from .models import RecoveryCodes, Telephone

WRONG = "验证码不对，或者已经用过。请等认证器显示下一个验证码后再输入。"
WAIT = "输错次数太多，请 {} 秒后再试。"


def is_passed(request) -> bool:
    """Whether this session needs no second factor any more."""
    return not settings.STAFF_SECOND_FACTOR or request.user.is_verified()


def forget(user, *, by=None) -> None:
    """The telephone is lost: the next login enrols another one, and what is logged in now is not any more."""
    for model in (Telephone, RecoveryCodes):
        model.objects.filter(user=user).delete()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request, site):
    """Asks for the code; whoever has no device yet is shown the QR code of one first."""
    device = Telephone.objects.filter(user=request.user, confirmed=True).first()
    error, fresh = "", None if device else _unconfirmed(request.user)
    if request.method == "POST":
        error = _check(request, fresh)
        if not error:
            return _recovery_codes(request, site) if fresh else HttpResponseRedirect(_next(request))
    context = {"device": fresh, "qr": fresh and _qr(fresh), "secret": fresh and _secret(fresh), "error": error}
    return _page(
        request, site, "second_factor", "绑定认证器" if fresh else "输入验证码", 422 if error else 200, **context
    )


def _unconfirmed(user) -> Telephone:
    return Telephone.objects.get_or_create(user=user, confirmed=False, defaults={"name": "认证器"})[0]


def _check(request, fresh: Telephone | None) -> str:
    """What is wrong with the code that was typed; "" when the session has passed."""
    code = "".join(request.POST.get("code", "")[:40].split()).lower()
    with transaction.atomic():
        device, wait = _matching(request.user, code, fresh)
        if device and fresh:
            Telephone.objects.filter(pk=fresh.pk).update(confirmed=True)
            device.confirmed = True
            changed = TrailEntry.Action.CHANGED
            TrailEntry.objects.record(changed, by=request.user, target=request.user, request=request, message="认证器")
    if device:
        request.session.cycle_key()
        login(request, device)
        return ""
    failed = TrailEntry.Action.LOGIN_FAILED
    TrailEntry.objects.record(failed, by=request.user, request=request, second_factor=True)
    return WAIT.format(wait) if wait else WRONG


def _matching(user, code: str, fresh: Telephone | None):
    """The device that takes this code, and for how many seconds none is taken. The rows are locked: no code counts
    twice."""
    wait = 0
    for device in devices_for_user(user, confirmed=not fresh, for_verify=True):
        allowed, why = device.verify_is_allowed()
        if allowed and device.verify_token(code):
            return device, 0
        if not allowed:
            wait = max(wait, (why["locked_until"] - timezone.now()).total_seconds())
    return None, int(wait) + 1 if wait else 0


def _recovery_codes(request, site):
    """Ten codes for the day without a telephone, shown once."""
    device, _ = RecoveryCodes.objects.get_or_create(user=request.user, name="备用码")
    return _page(request, site, "recovery_codes", "备用码", codes=device.renew())


def _page(request, site, name: str, title: str, status: int = 200, **context):
    context |= {**site.each_context(request), "title": title, "next": _next(request)}
    return render(request, f"admin/{name}.html", context, status=status)


def _next(request) -> str:
    """Where to go afterwards: a page of this host, else the start page."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else reverse("admin:index")


def _qr(device: Telephone) -> str:
    import segno

    return segno.make(device.config_url).svg_data_uri(scale=5, border=4)


def _secret(device: Telephone) -> str:
    """The same in letters, for a telephone whose camera does not work, in groups of four."""
    return " ".join(device.secret[start : start + 4] for start in range(0, len(device.secret), 4))
