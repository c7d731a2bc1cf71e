"""Logins: a session begins with one, each stands in the audit trail, and everybody sees and ends their own."""

from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from notices.models import Organisation, TrailEntry

from . import sessions

Action = TrailEntry.Action


def logged_in(sender, request, user, **rest) -> None:
    sessions.begin(request, user)
    TrailEntry.objects.record(Action.LOGIN, by=user, request=request)


def failed(sender, credentials, request=None, **rest) -> None:
    """The line belongs to the organisation of whoever has that name."""
    username = str(credentials.get("username", ""))
    home = Organisation.objects.filter(memberships__user__username=username.replace("\0", "")).first()
    TrailEntry.objects.record(Action.LOGIN_FAILED, username=username, organisation=home, request=request)


def logged_out(sender, request, user, **rest) -> None:
    if user:
        TrailEntry.objects.record(Action.LOGOUT, by=user, request=request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request):
    """Where the user is logged in; a POST ends the login that it names, or all others."""
    found = sessions.of(request)
    if request.method == "POST":
        _end(
            request, [each for each in found if not each.is_this and request.POST.get("login") in (each.mark, "others")]
        )
        return HttpResponseRedirect(reverse("admin:logins"))
    context = {**admin.site.each_context(request), "title": "我的登录", "logins": found}
    return render(request, "admin/logins.html", context)


def _end(request, ended: list[sessions.Login]) -> None:
    for each in ended:
        each.end()
        TrailEntry.objects.record(Action.LOGOUT, by=request.user, request=request, elsewhere=each.address)
    if ended:
        messages.success(request, f"已结束 {len(ended)} 处登录。如果不是您本人登录的，请马上修改密码。")
    else:
        messages.warning(request, "那一处登录已经结束了。")
