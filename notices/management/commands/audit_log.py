"""The audit trail for those who check it: printed as JSON lines, and what is old enough deleted."""

import datetime
import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from notices import durable
from notices.models import TrailEntry
from notices.models.trail import KEPT


class Command(BaseCommand):
    help = (
        "按日期把审计记录打印为 JSON，每行一条；--new 只打印上次之后新增的；"
        "--forget 删除超过 184 天的记录（更近的，数据库拒绝删除）。"
    )

    def add_arguments(self, parser):
        day = datetime.date.fromisoformat
        parser.add_argument("--from", dest="first", type=day, metavar="DATE", help="起始日期（含），例如 2026-01-01")
        parser.add_argument("--to", dest="last", type=day, metavar="DATE", help="截止日期（含）")
        parser.add_argument("--action", choices=TrailEntry.Action.values, help="只要这一种事项")
        help_new = "只打印上次之后新增的记录（最近两分钟的下次再打印），FILE 记着打印到第几条；不与其他选项合用"
        parser.add_argument("--new", type=Path, metavar="FILE", help=help_new)
        parser.add_argument("--forget", action="store_true", help="删除超过保存期的记录；先导出存档")

    def handle(self, *, first, last, action, new: Path | None, forget: bool, **options):
        if forget:
            count = TrailEntry.objects.forgettable().delete()[0]
            self.stdout.write(f"已删除 {count} 条超过 {KEPT.days} 天的审计记录。")
        elif new:
            self._tell(TrailEntry.objects.after(_told(new)), kept=new)
        else:
            lines = TrailEntry.objects.between(first, last)
            self._tell(lines.filter(action=action) if action else lines)

    def _tell(self, lines, kept: Path | None = None) -> None:
        """Print them; `kept` remembers the last one after it is out, so that a line may come twice and never not at all."""
        last = None
        for last in lines.select_related("content_type", "organisation").iterator():
            self.stdout.write(json.dumps(last.as_line(), ensure_ascii=False))
        if kept and last:
            self.stdout.flush()
            durable.replace(kept, b"%d\n" % last.pk)


def _told(kept: Path) -> int:
    """The number of the last line that was printed, 0 before the first."""
    try:
        return int(kept.read_text())
    except FileNotFoundError:
        return 0
    except ValueError:
        raise CommandError(f"{kept}：里面应当只有一个数字。删除这个文件，就从第一条重新打印。") from None
