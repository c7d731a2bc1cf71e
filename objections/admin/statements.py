"""The outcome statement 公示情况说明: one page per notice, computed from the facts, made to be printed."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.models import PublicityNotice
from objections import outcomes

PER_PAGE = 50


def _check(request) -> None:
    if not request.user.has_perm("objections.handle_objection"):
        raise PermissionDenied


@never_cache
@require_safe
def notices(request):
    """Every public notice, newest first, with the way to its statement."""
    _check(request)
    shown = PublicityNotice.objects.public().select_related("edition", "organisation")
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    rows = [(notice, notice.state(today)) for notice in page]
    context = {**admin.site.each_context(request), "title": "公示情况说明", "page": page, "rows": rows}
    return render(request, "admin/objections/objection/outcomes.html", context)


@never_cache
@require_safe
def statement(request, pk):
    """The statement of one notice as of now."""
    _check(request)
    shown = PublicityNotice.objects.public().select_related("edition__receiving_office", "organisation")
    notice = get_object_or_404(shown, pk=pk)
    return render(request, "objections/outcome.html", outcomes.statement(notice))
