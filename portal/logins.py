"""What Django tells of logins: a session begins with one, and each stands in the audit trail."""

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
