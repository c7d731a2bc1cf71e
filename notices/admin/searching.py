"""Words in the list of notices: what is public is found in the search index, what is being worked on by its own text."""

import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from notices.models import NoticeSection, Organisation, PublicityNotice
from notices.search import asking, following
from notices.search.index import Unavailable

MOST = 1000  # notices found in the index, the newest ones
WORKED_ON = 2000  # working copies that are looked into, the newest ones
FOREVER = datetime.datetime(9998, 1, 1, tzinfo=datetime.UTC)  # staff see what is public later, nobody what was erased
HELP = "标题和正文里的字词，或公示编号；几个词用空格分开。按全文索引查找，最多列出最近的 1000 份。"


def notices(typed: str, user) -> list[int]:
    """The keys of the newest notices in which all words stand, among those that `user` may see."""
    rows, words = PublicityNotice.objects.of(user), asking.terms(typed)
    if not words:
        return []
    organisations = None if user.is_superuser else list(Organisation.objects.of(user).values_list("pk", flat=True))
    try:
        found = published(words, organisations)
    except Unavailable:  # it comes back by itself; until then titles have to do
        found = rows.filter(title__icontains=typed).order_by("-published_at").values_list("pk", flat=True)[:MOST]
    return [*found, *_working(rows, words)]


def published(words: list[asking.Term], organisations: list[int] | None = None) -> list[int]:
    """From the index: the newest notices of these organisations, of all for None. Raises Unavailable."""
    asked = asking.said(words)
    if organisations is not None:
        own = [asking.token(f"{asking.FILTERS['organisation']}{pk}") for pk in organisations]
        asked = asking.both(asked, asking.either(own or [asking.token("=")]))
    with following.ready() as (index, _), index.reading():
        return index.page([("1", asked)], None, MOST, index.hidden(FOREVER)).pks


def _working(rows: QuerySet, words: list[asking.Term]) -> list[int]:
    """Drafts and corrections, which no index knows."""
    newest = rows.filter(drafted_at__isnull=False).order_by("-drafted_at").values("pk")[:WORKED_ON]
    rows = PublicityNotice.objects.filter(pk__in=newest)
    for word in words:
        said = Q(heading__icontains=word.typed) | Q(body__icontains=word.typed)
        section = Exists(NoticeSection.objects.filter(said, notice=OuterRef("pk")))
        rows = rows.filter(Q(title__icontains=word.typed) | Q(basis__icontains=word.typed) | section)
    return list(rows.order_by().values_list("pk", flat=True))
