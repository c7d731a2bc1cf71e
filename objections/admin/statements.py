"""The outcome statement 公示情况说明: one page per notice, computed from the facts, made to be printed or kept as a file."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.attachments import MEDIA_TYPES
from notices.documents import reports
from notices.models import PublicityNotice, TrailEntry
from objections import statements

PER_PAGE = 50


def _check(request) -> None:
    if not request.user.has_perm("objections.handle_objection"):
        raise PermissionDenied


@never_cache
@require_safe
def notices(request):
    """Every public notice, newest first, with the way to its statement."""
    _check(request)
    shown = PublicityNotice.objects.public().concerning(request.user).select_related("edition", "organisation")
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    rows = [(notice, notice.state(today)) for notice in page]
    context = {**admin.site.each_context(request), "title": "公示情况说明", "page": page, "rows": rows}
    return render(request, "admin/objections/objection/outcomes.html", context)


@never_cache
@require_safe
def statement(request, pk):
    """The statement of one notice as of now."""
    notice = _notice(request, pk)
    context = {"notice": notice, "report": statements.statement(notice)}
    return render(request, "objections/outcome.html", context)


@never_cache
@require_safe
def file(request, pk, form):
    """The same as a file to keep."""
    notice, now = _notice(request, pk), timezone.now()
    report = statements.statement(notice, now)
    exported = TrailEntry.Action.EXPORTED
    TrailEntry.objects.record(exported, by=request.user, target=notice, request=request, message=f"公示情况说明 {form}")
    content = reports.to_pdf(report, at=now) if form == "pdf" else reports.to_docx(report)
    name = f"公示情况说明 {notice.reference}.{form}"
    headers = {"Content-Disposition": content_disposition_header(True, name), "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=MEDIA_TYPES[form], headers=headers)


def _notice(request, pk) -> PublicityNotice:
    _check(request)
    shown = PublicityNotice.objects.public().concerning(request.user)
    shown = shown.select_related("edition__receiving_office", "organisation")
    return get_object_or_404(shown, pk=pk)
