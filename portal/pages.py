"""The pages of the site itself: help, privacy, accessibility, errors; and what every page shows of the site."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from notices import privacy as privacy_notice
from notices.models import Checkpoint, InspectionRound, Organisation, ReceivingOffice, ReferenceYear
from notices.snapshots import prepared

from . import elder, languages

FACTS = (
    "SITE_NAME",
    "SITE_URL",
    "SITE_ID_CODE",
    "SITE_OPERATOR",
    "SITE_CONTACT",
    "SITE_ICP",
    "SITE_POLICE_FILING",
    "SITE_ERROR_REPORT_URL",
)


def site(request) -> dict:
    """Context processor: the site's own facts, as site.name, site.operator …, the log's newest checkpoint, the view."""
    facts = {name.removeprefix("SITE_").lower(): getattr(settings, name) for name in FACTS}
    return {
        "site": facts | {"domain": urlsplit(settings.SITE_URL).hostname},
        "checkpoint": SimpleLazyObject(Checkpoint.objects.newest),
        "elder": elder.asked_for(request),
        "language": languages.spoken(),
        "other_language": languages.same_page(request),
    }


@prepared()
@require_safe
def help_page(request):
    return render(request, "help.html")


@prepared()
@require_safe
def privacy(request):
    return render(request, "privacy.html", {"version": privacy_notice.VERSION, "kept_for": ReceivingOffice().kept_for})


@prepared()
@require_safe
def accessibility(request):
    return render(request, "accessibility.html")


@prepared()
@require_safe
def robots(request):
    lines = [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /objections/",
        "Disallow: /en/objections/",
        "Disallow: /subscribe/",
        "Disallow: /en/subscribe/",
        "Allow: /",
    ]
    return HttpResponse(
        "\n".join([*lines, f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""]), content_type="text/plain; charset=utf-8"
    )


@prepared()
@require_safe
def sitemap(request):
    """The site at a glance, for people: its pages, and the lists by organisation, round and year."""
    public = Q(notices__edition__public_from__lte=timezone.now())
    context = {
        "organisations": Organisation.objects.annotate(count=Count("notices", public)).filter(count__gt=0),
        "rounds": InspectionRound.objects.all(),
        "years": ReferenceYear.objects.order_by("-year").values_list("year", flat=True),
    }
    return render(request, "sitemap.html", context)


@require_safe
def icon(request):
    """Where browsers look for the icon of pages that name none, such as admin's."""
    return redirect(static("portal/icon.svg"))
