"""Take a year's holidays from a file, and say which notices count differently with them."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from notices import holidays, recounting
from notices.models import CalendarDay
from notices.models.calendar import current_calendar


class Command(BaseCommand):
    help = (
        "录入一年的放假安排。文件每行一天：日期、“放假”或“上班”、名称，以逗号、制表符或空格分开（UTF-8 或 GB18030）。"
        "有任何错误都不保存。录入后列出工作日数有变化的公示；公示期不会自动改动，需要延长的请在后台办理延期。"
    )

    def add_arguments(self, parser):
        parser.add_argument("year", type=int, metavar="YEAR", help="年份，如 2027")
        parser.add_argument("file", type=Path, metavar="FILE", help="csv 或 txt 文件")
        parser.add_argument("--source", default="", metavar="TEXT", help="依据：文件名称和文号；默认是文件名")

    def handle(self, *, year: int, file: Path, source: str, **options):
        try:
            days = holidays.read_table(file.read_bytes(), year)
        except OSError as error:
            raise CommandError(f"读不了 {file}：{error}") from error
        except holidays.BadTable as error:
            raise CommandError(f"{error}\n没有保存任何内容。") from error
        before = current_calendar()
        changed = CalendarDay.objects.take(days, source=(source.strip() or file.name)[:200])
        self.stdout.write(f"{year} 年的日历共 {len(days)} 天，新录入或改动 {changed} 天。")
        self.others(year, days)
        self.recounted(year, before)

    def others(self, year: int, days) -> None:
        """Days of that year that stand in the calendar and not in the file: staff typed them, so staff decide."""
        for row in CalendarDay.objects.filter(date__year=year).exclude(date__in=[day.date for day in days]):
            self.stdout.write(f"日历里另有 {row}，文件里没有；如有误请在后台删除。")

    def recounted(self, year: int, before) -> None:
        found = list(recounting.recounts(recounting.touching(year), current_calendar(), before))
        self.stdout.write(f"工作日数有变化的公示：{len(found)} 份。")
        for recount in found:
            self.stdout.write(str(recount))
