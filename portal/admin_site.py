"""The admin's own site: who gets in, how they log in, and that whoever is turned away stands in the trail."""

import functools
import math
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse, reverse_lazy
from django.views.decorators.cache import never_cache

from notices.models import TrailEntry

from . import handbook, logins, second_factor, sessions

CHANGED = TrailEntry.Action.CHANGED
PLACES = (
    "publicitynotice",
    "rectificationtask",
    "inspectionround",
    "display",
    "outage",
    "organisation",
    "receivingoffice",
    "calendarday",
    "trailentry",
    "invitation",
    "objection",
    "outgoingmail",
    "handlingterms",
)


class Invited(PasswordResetConfirmView):
    """Where the link of an invitation leads: a password is set, and the trail says so."""

    def form_valid(self, form):
        TrailEntry.objects.record(CHANGED, by=self.user, target=self.user, request=self.request, message="密码")
        return super().form_valid(form)


class LoginForm(AdminAuthenticationForm):
    """Django tells the browser how long a name may be, and does not look; what counts the failures keeps it all."""

    username = UsernameField(label="用户名", max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))


class StaffSite(AdminSite):
    login_form = LoginForm
    site_header = settings.SITE_NAME
    site_title = "督察整改公示后台"
    index_title = "工作台"
    enable_nav_sidebar = False  # what there is stands in the head of every page

    def has_permission(self, request):
        return super().has_permission(request) and sessions.is_alive(request) and second_factor.is_passed(request)

    def get_app_list(self, request, app_label=None):
        """What is worked on every day comes first."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda model: _place(model["model"]._meta.model_name))
        return sorted(apps, key=lambda app: min(_place(model["model"]._meta.model_name) for model in app["models"]))

    def login(self, request, extra_context=None):
        """The password; whoever gave it already goes on to the second factor."""
        if super().has_permission(request):
            if not sessions.is_alive(request):
                logout(request)
            elif not second_factor.is_passed(request) and request.method == "GET":
                return HttpResponseRedirect(f"{reverse('admin:second_factor')}?{_next(request)}")
        return super().login(request, extra_context)

    def second_factor(self, request):
        if not super().has_permission(request) or not sessions.is_alive(request):
            return HttpResponseRedirect(f"{reverse('admin:login')}?{_next(request)}")
        if second_factor.is_passed(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return second_factor.second_factor(request, self)

    def password_change(self, request, extra_context=None):
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            TrailEntry.objects.record(CHANGED, by=request.user, target=request.user, request=request, message="密码")
        return response

    def get_urls(self):
        title = {"site_header": self.site_header, "site_title": self.site_title, "title": "设置密码"}
        invitation = Invited.as_view(
            template_name="admin/invitation.html", success_url=reverse_lazy("admin:login"), extra_context=title
        )
        return [
            path("handbook/", self.admin_view(handbook.page), name="handbook"),
            path("handbook.pdf", self.admin_view(handbook.file), name="handbook_file"),
            path("logins/", self.admin_view(logins.page), name="logins"),
            path("second-factor/", self.second_factor, name="second_factor"),
            path("invitation/<uidb64>/<token>/", never_cache(invitation), name="invitation"),
            path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(_nothing), name="view_on_site"),
            *super().get_urls(),
        ]

    def admin_view(self, view, cacheable=False):
        """What is refused is written down, outside of the transaction in which it was tried."""

        @functools.wraps(view)
        def recorded(request, *args, **options):
            try:
                return view(request, *args, **options)
            except PermissionDenied:
                refused = TrailEntry.Action.REFUSED
                TrailEntry.objects.record(refused, by=request.user, request=request, path=request.path[:200])
                raise

        return super().admin_view(recorded, cacheable)


def _place(model_name: str) -> int:
    return PLACES.index(model_name) if model_name in PLACES else len(PLACES)


def _next(request) -> str:
    return urlencode({REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME, "")})


def _nothing(request, **options):
    """Django's way to the public page of any row of any model, which asks nobody whose it is."""
    raise Http404


def locked_out(request, response, credentials):
    """Too many wrong passwords for this name from this address; every other name and address goes on as before."""
    minutes = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    answer = render(request, "admin/locked_out.html", {"title": "登录已锁定", "minutes": minutes}, status=429)
    answer["Retry-After"] = minutes * 60
    return answer
