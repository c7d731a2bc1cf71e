"""What search engines may find: the pages of the site, public notices, rounds and the tasks that notices made public."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from .models import InspectionRound, PublicityNotice, RectificationTask


class OfThisSite(Sitemap):
    """Addresses under SITE_URL, whatever name the request came by."""

    limit = 5000

    def get_protocol(self, protocol=None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site=None) -> str:
        return urlsplit(settings.SITE_URL).netloc


class Pages(OfThisSite):
    names = (
        "notices:home",
        "notices:list",
        "notices:rounds",
        "notices:log",
        "help",
        "privacy",
        "accessibility",
        "sitemap",
    )

    def items(self):
        return self.names

    def location(self, name) -> str:
        return reverse(name)


class Notices(OfThisSite):
    def items(self):
        return PublicityNotice.objects.public().select_related("edition").order_by("pk")

    def location(self, notice) -> str:
        return reverse("notices:notice", args=[notice.reference])

    def lastmod(self, notice):
        return notice.withdrawn_at or notice.edition.published_at


class Rounds(OfThisSite):
    def items(self):
        return InspectionRound.objects.order_by("pk")

    def location(self, found) -> str:
        return reverse("notices:round", args=[found.slug])


class Tasks(OfThisSite):
    def items(self):
        return RectificationTask.objects.public().order_by("pk")

    def location(self, task) -> str:
        return reverse("notices:task", args=[task.pk])


SITEMAPS = {"pages": Pages, "notices": Notices, "rounds": Rounds, "tasks": Tasks}
