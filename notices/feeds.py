"""Notices as an Atom feed: the text of each current edition, and the checkpoint that covers it."""

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.urls import reverse, reverse_lazy
from django.utils.feedgenerator import Atom1Feed

from .documents.rendering import to_text
from .models import Checkpoint
from .views import public_notices

LATEST = 50


class NoticeFeed(Feed):
    """The newest notices; an entry changes with each new edition and keeps its id."""

    feed_type = Atom1Feed
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
            notice.checkpoint = checkpoint
        return shown

    def item_title(self, notice) -> str:
        return f"[{notice.state().label}]{notice.edition.title}"

    def item_description(self, notice) -> str:
        withdrawn = f"已撤回：{notice.withdrawal_reason}\n" if notice.withdrawn_at else ""
        return f"{withdrawn}{to_text(notice.edition.read())}\n公示日志检查点：{notice.checkpoint}\n"

    def item_link(self, notice) -> str:
        return settings.SITE_URL + reverse("notices:notice", args=[notice.reference])

    item_guid = item_link

    def item_author_name(self, notice) -> str:
        return notice.organisation.name

    def item_pubdate(self, notice):
        return notice.published_at

    def item_updateddate(self, notice):
        return notice.withdrawn_at or notice.edition.published_at
