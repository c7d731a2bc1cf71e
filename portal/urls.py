from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps import views as sitemaps
from django.urls import include, path

from notices.sitemaps import SITEMAPS
from notices.snapshots import prepared

from . import health, metrics, pages

# What people read, also under /en/; what machines and staff read, at one address.
urlpatterns = [
    *i18n_patterns(
        path("", include("notices.urls")),
        path("", include("objections.urls")),
        path("help/", pages.help_page, name="help"),
        path("privacy/", pages.privacy, name="privacy"),
        path("accessibility/", pages.accessibility, name="accessibility"),
        path("sitemap/", pages.sitemap, name="sitemap"),
        prefix_default_language=False,
    ),
    path("sitemap.xml", prepared()(sitemaps.index), {"sitemaps": SITEMAPS, "sitemap_url_name": "sitemap-section"}),
    path("sitemap-<section>.xml", prepared("p")(sitemaps.sitemap), {"sitemaps": SITEMAPS}, name="sitemap-section"),
    path("robots.txt", pages.robots),
    path("favicon.ico", pages.icon),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.metrics),
    path("admin/", admin.site.urls),
]
handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"
