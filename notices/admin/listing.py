"""Lists that open as quickly with 100,000 rows as with ten: a page is found among keys alone, counting ends soon."""

import datetime

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage, Paginator
from django.db.models import DateTimeField
from django.utils import timezone
from django.utils.functional import cached_property

from . import cells

PER_PAGE = 50
AHEAD = 20  # pages that are counted beyond the one that is shown


def page_number(request) -> int:
    """The page that a field's choices are asked for."""
    return int(number) if (number := request.GET.get("page", "1")).isdecimal() and len(number) < 8 else 1


class Pages(Paginator):
    """Counts no further than AHEAD pages beyond page `number`."""

    def __init__(self, rows, per_page: int, number: int):
        self.bound = per_page * (max(number, 1) - 1 + AHEAD)
        self.is_first = number <= 1
        super().__init__(rows, per_page)

    @cached_property
    def count(self) -> int:
        """How many there are, at most `bound`."""
        return min(self.counted, self.bound)

    @cached_property
    def counted(self) -> int:
        return len(self.keys) if self.is_first else self._bounded().count()

    @cached_property
    def keys(self) -> list:
        """Those of all rows up to the bound, in no order: where few fit, to find them takes as long as to count them."""
        return list(self._bounded().values_list("pk", flat=True))

    def _bounded(self):
        return self.object_list.order_by().values("pk")[: self.bound + 1]

    @property
    def is_bounded(self) -> bool:
        """Whether there are more than were counted."""
        return self.counted > self.bound


class Listing(ChangeList):
    """Finds the page among the keys and fetches its rows alone: what they show is worked out for no others."""

    def get_results(self, request):
        self.paginator = pages = Pages(self.queryset, self.list_per_page, self.page_num)
        self.result_count, self.is_bounded = pages.count, pages.is_bounded
        self.can_show_all = not self.is_bounded and self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        self.show_full_result_count, self.full_result_count, self.show_admin_actions = False, None, True
        if pages.is_first and not pages.is_bounded:
            pages.object_list = self.queryset.filter(pk__in=pages.keys)  # what is slow to look for is looked for once
        self.result_list = pages.object_list._clone()
        if self.multi_page and not (self.show_all and self.can_show_all):
            self.result_list = self.queryset.filter(pk__in=self._keys(pages))

    def headers(self) -> list[dict]:
        return list(result_headers(self))

    def rows(self) -> list[list[str]]:
        return cells.rows(self)

    def _keys(self, pages: Pages) -> list:
        try:
            return list(pages.page(self.page_num).object_list.values_list("pk", flat=True))
        except InvalidPage:
            raise IncorrectLookupParameters from None


class TimeFilter(admin.FieldListFilter):
    """By year, and within a year by month. It asks for the first day and the last, which an index on the field knows."""

    def __init__(self, field, request, params, model, model_admin, field_path):
        self.year_name, self.month_name = f"{field_path}__year", f"{field_path}__month"
        super().__init__(field, request, params, model, model_admin, field_path)
        self.year, self.month = (_number(self.used_parameters.get(name)) for name in self.expected_parameters())
        self.rows = model._default_manager.order_by()

    def expected_parameters(self) -> list[str]:
        return [self.year_name, self.month_name]

    def queryset(self, request, queryset):
        if not self.year or not datetime.MINYEAR <= self.year < datetime.MAXYEAR:
            return queryset
        month = self.month if self.month in range(1, 13) else None
        first = datetime.date(self.year, month or 1, 1)
        after = datetime.date(self.year + (month in (None, 12)), (month or 12) % 12 + 1, 1)
        return queryset.filter(
            **{f"{self.field_path}__gte": self._begin(first), f"{self.field_path}__lt": self._begin(after)}
        )

    def _begin(self, day: datetime.date):
        if not isinstance(self.field, DateTimeField):
            return day
        return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))

    def years(self) -> range:
        """The years from the newest to the first."""
        known = self.rows.values_list(self.field_path, flat=True)
        first, last = (known.order_by(order + self.field_path).first() for order in ("", "-"))
        return range(self._year(last), self._year(first) - 1, -1) if first else range(0)

    def _year(self, moment) -> int:
        return (timezone.localtime(moment) if isinstance(self.field, DateTimeField) else moment).year

    def choices(self, changelist):
        yield self._choice(changelist, "全部", None, None)
        for year in self.years():
            yield self._choice(changelist, f"{year}年", year, None)
            if year == self.year:
                for month in range(1, 13):
                    yield self._choice(changelist, f"　{month}月", year, month)

    def _choice(self, changelist, label: str, year: int | None, month: int | None) -> dict:
        params = {self.year_name: year, self.month_name: month}
        return {
            "selected": (year, month) == (self.year, self.month),
            "query_string": changelist.get_query_string(params),
            "display": label,
        }


def _number(values) -> int | None:
    """The last of a parameter's values where it is a number."""
    value = str(values[-1] if isinstance(values, list) else values)
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 5 else None
