"""Notices to follow: an Atom feed with the whole text, their windows as a calendar."""

import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape, format_html_join
from django.views.decorators.http import require_safe

from . import calendars
from .answers import kept
from .documents.numerals import chinese_date
from .documents.rendering import to_text
from .models import Checkpoint, Organisation, PublicityNotice
from .snapshots import prepared
from .views import public_notices

LATEST = 50
WINDOWS = 1000
PAST = datetime.timedelta(days=366)  # how long a window stays in the calendar


def notice_url(notice: PublicityNotice) -> str:
    """The address of a notice on this site."""
    return settings.SITE_URL + reverse("notices:notice", args=[notice.reference])


class WholeText(Atom1Feed):
    """Atom whose entries hold the text of the notice, not only a summary of it."""

    def add_item_elements(self, handler, item):
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


class NoticeFeed(Feed):
    """The newest notices; an entry changes with each new edition and keeps its id."""

    feed_type = WholeText
    link = reverse_lazy("notices:list")

    def title(self) -> str:
        return settings.SITE_NAME

    def subtitle(self) -> str:
        return "督察整改任务公示，按首次发布时间排列"

    def get_object(self, request):
        return Checkpoint.objects.newest()

    def items(self, checkpoint):
        shown = [notice for notice in public_notices()[:LATEST] if not notice.edition.is_redacted]
        for notice in shown:
            notice.checkpoint, notice.edition.notice = checkpoint, notice
        return shown

    def item_title(self, notice) -> str:
        return f"[{notice.state().label}]{notice.edition.title}"

    def item_description(self, notice) -> str:
        return escape(f"{notice.organisation.name}，公示期{window(notice)}。")

    def item_extra_kwargs(self, notice) -> dict:
        lines = to_text(notice.edition.read(), notice.edition.marks()).splitlines()
        lines.append(f"公示日志检查点：{notice.checkpoint}")
        return {"content": format_html_join("\n", "<p>{}</p>", ([line] for line in lines))}

    def item_link(self, notice) -> str:
        return notice_url(notice)

    item_guid = item_link

    def item_author_name(self, notice) -> str:
        return notice.organisation.name

    def item_pubdate(self, notice):
        return notice.published_at

    def item_updateddate(self, notice):
        return changed_at(notice)


def window(notice: PublicityNotice) -> str:
    """From when until when the notice is open."""
    return f"{chinese_date(notice.edition.opens_on)}至{chinese_date(notice.edition.closes_on)}"


def changed_at(notice: PublicityNotice):
    """When the public last got to read something new of a notice."""
    return notice.withdrawn_at or notice.edition.published_at


@prepared("organisation")
@require_safe
def window_calendar(request):
    """The windows of the last year and of all to come, those of one organisation for `?organisation=` its code."""
    notices = public_notices().filter(edition__closes_on__gte=timezone.localdate() - PAST)
    name, code = f"{settings.SITE_NAME}：公示期", request.GET.get("organisation", "").replace("\0", "?")
    if code:
        organisation = Organisation.objects.filter(code=code).first()
        if not organisation:
            raise Http404("no such organisation")
        notices, name = notices.filter(organisation=organisation), f"{organisation.name}：公示期"
    events = [window_event(notice) for notice in notices[:WINDOWS] if not notice.edition.is_redacted]
    response = kept(request, "text/calendar; charset=utf-8", calendars.write(name, events))
    response["Content-Disposition"] = 'inline; filename="windows.ics"'
    return response


def window_event(notice: PublicityNotice) -> calendars.Event:
    """The window of a notice; its sequence grows with each edition and with the withdrawal."""
    edition, withdrawn = notice.edition, notice.withdrawn_at is not None
    url = notice_url(notice)
    said = f"{notice.organisation.name}公示，{window(notice)}。"
    said += f"\n已撤回：{notice.withdrawal_reason}" if withdrawn else "\n公示期内可以提出异议。"
    return calendars.Event(
        uid=f"{notice.reference}@{urlsplit(settings.SITE_URL).hostname}",
        sequence=edition.number - 1 + withdrawn,
        first=edition.opens_on,
        last=edition.closes_on,
        title=("【已撤回】" if withdrawn else "") + edition.title,
        description=f"{said}\n{url}",
        url=url,
        changed_at=changed_at(notice),
        cancelled=withdrawn,
    )
