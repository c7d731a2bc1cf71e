"""The year in figures in admin: a page of tables with their bars, to be printed, and the same as Excel."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices import sheets
from notices.downloads import as_download
from notices.models import Organisation, TrailEntry
from objections import yearly


def _chosen(request) -> tuple[list[int], int]:
    """(the years there are, the one that the address names or else the newest)."""
    if not request.user.has_perm("objections.view_objection"):
        raise PermissionDenied
    years, said = yearly.years(request.user), request.GET.get("year", "")
    return years, next((year for year in years if str(year) == said), years[0])


@never_cache
@require_safe
def page(request):
    """The figures of a year, of the organisations that the user sees."""
    years, year = _chosen(request)
    context = {
        **admin.site.each_context(request),
        "title": f"{year}年度统计",
        "years": years,
        "year": year,
        "organisations": Organisation.objects.of(request.user).count(),
        "whole": yearly.WHOLE,
        "tables": yearly.tables(request.user, year),
    }
    return render(request, "admin/objections/objection/yearly.html", context)


@never_cache
@require_safe
def file(request):
    """The same as a workbook with a sheet for each table."""
    _, year = _chosen(request)
    tables = [(table.title, table.cells()) for table in yearly.tables(request.user, year)]
    TrailEntry.objects.record(
        TrailEntry.Action.EXPORTED, by=request.user, request=request, list="年度统计", year=year, format="xlsx"
    )
    return as_download(sheets.to_xlsx(tables, [28] + [16] * 6), f"{year}年度统计.xlsx", "xlsx")
