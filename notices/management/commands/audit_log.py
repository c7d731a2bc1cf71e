"""The audit trail for those who check it: printed as JSON lines, and what is old enough deleted."""

import datetime
import json

from django.core.management.base import BaseCommand

from notices.models import TrailEntry
from notices.models.trail import KEPT


class Command(BaseCommand):
    help = "按日期把审计记录打印为 JSON，每行一条；--forget 删除超过 184 天的记录（更近的，数据库拒绝删除）。"

    def add_arguments(self, parser):
        day = datetime.date.fromisoformat
        parser.add_argument("--from", dest="first", type=day, metavar="DATE", help="起始日期（含），例如 2026-01-01")
        parser.add_argument("--to", dest="last", type=day, metavar="DATE", help="截止日期（含）")
        parser.add_argument("--action", choices=TrailEntry.Action.values, help="只要这一种事项")
        parser.add_argument("--forget", action="store_true", help="删除超过保存期的记录；先导出存档")

    def handle(self, *, first, last, action, forget: bool, **options):
        if forget:
            count = TrailEntry.objects.forgettable().delete()[0]
            self.stdout.write(f"已删除 {count} 条超过 {KEPT.days} 天的审计记录。")
            return
        lines = TrailEntry.objects.between(first, last).select_related("content_type", "organisation")
        if action:
            lines = lines.filter(action=action)
        for line in lines.iterator():
            self.stdout.write(json.dumps(line.as_line(), ensure_ascii=False))
