"""Names and addresses are masked in admin; whoever asks to see them is written into the audit trail."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from notices.admin.verbs import Verb, VerbsAdmin
from notices.models import TrailEntry

REVEAL = "objections.view_personal_data"


def record_view(request, target, objection, **detail) -> None:
    """The trail says who saw what of whom, when and from where."""
    action, bureau = TrailEntry.Action.VIEWED_PERSONAL_DATA, objection.notice.organisation
    TrailEntry.objects.record(action, by=request.user, target=target, organisation=bureau, request=request, **detail)


def reveal(is_there) -> dict[str, Verb]:
    """The button, as a row's verb; `is_there(row, user)` says whether there is anything to see."""
    return {"reveal": Verb("显示联系方式（会记入审计记录）", REVEAL, is_there)}


class RevealingAdmin(VerbsAdmin):
    """A change page on which each field named in `masks` stands masked; pressing the button answers with all of it.

    The answer is no address of its own: it cannot be linked, bookmarked or kept.
    """

    masks: dict[str, str] = {}  # field → what is shown in its place

    def objection_of(self, row):
        return row

    def shown(self, request, fields) -> list[str]:
        revealed = getattr(request, "reveals", False)
        return [name if revealed else self.masks.get(name, name) for name in fields]

    def act(self, request, pk, name):
        return self.reveal(request, pk) if name == "reveal" else super().act(request, pk, name)

    def reveal(self, request, pk):
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        if not request.user.has_perm(REVEAL) or not self.has_view_permission(request, row):
            raise PermissionDenied
        record_view(request, row, self.objection_of(row))
        request.method, request.reveals = "GET", True
        response = self.change_view(request, str(pk), self._url("change", pk))
        response["Cache-Control"] = "no-store"
        return response
