"""Erase the personal data whose time is over: run it every night."""

from collections import Counter

from django.core.management.base import BaseCommand, CommandError

from objections import retention

WORDS = {"purged": "已删除", "due": "到期", "held": "保留中，没有删除", "failed": "没有删除，原因见日志"}


class Command(BaseCommand):
    help = (
        "删除保存期已满的异议的个人信息：姓名、联系方式、异议内容、答复、备注、附件和这条异议的密钥。"
        "保存多少天由各受理部门设定。件数、办理经过、结论和摘要保留。被保留的和出错的不影响其他。建议每晚运行。"
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="只列出到期的，不删除")

    def handle(self, *, dry_run: bool, **options):
        count = Counter()
        for case in retention.cases(dry_run=dry_run):
            count[case.outcome] += 1
            self.stdout.write(f"{case.number} {WORDS[case.outcome]}")
        self.stdout.write(
            "，".join(f"{WORDS[name]} {count[name]} 件" for name in WORDS if count[name]) or "没有到期的。"
        )
        if count["purged"] and not retention.compact():
            raise CommandError("个人信息已删除，但数据库日志正被占用，没有清空；请稍后再运行一次。")
        if count["failed"]:
            raise CommandError(f"{count['failed']} 件没有删除成功。")
