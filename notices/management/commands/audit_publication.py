"""Compare the database, the editions and the publication log; keep the result for the start page and readiness."""

from collections.abc import Iterator

from django.core.management.base import BaseCommand, CommandError

from notices import auditing


class Command(BaseCommand):
    help = "核对数据库、已发布的版本和公示日志是否一致；结果显示在后台首页。有不符时退出码为 1。"

    def handle(self, **options):
        audit = auditing.record(self.printed(auditing.differences()))
        if audit.count:
            raise CommandError(f"发现 {audit.count} 处不符。")
        self.stdout.write("数据库、已发布的版本和公示日志一致。")

    def printed(self, differences: Iterator[str]) -> Iterator[str]:
        for difference in differences:
            self.stdout.write(difference)
            yield difference
