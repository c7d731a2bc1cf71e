"""A backup of everything but the keys, while the site runs."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import backups


class Command(BaseCommand):
    help = "把数据库和附件备份到目录下的一个新文件夹，网站照常运行。备份不含密钥，密钥请另行保管。"

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="放备份的目录")
        parser.add_argument("--keep", type=int, default=0, metavar="N", help="只保留最新的 N 份，默认全部保留")

        parser.add_argument(
            "--keyring",
            type=Path,
            metavar="DIR2",
            help="把钥匙圈另存到这个目录，只保留最新一份；应在另一台机器或介质上",
        )

    def handle(self, *, folder: Path, keep: int, keyring: Path | None, **options):
        try:
            target = backups.take(folder, keyring=keyring)
        except (backups.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"已备份到 {target}。")
        if settings.STORAGE_URL:
            self.stdout.write("附件、佐证材料和照片在对象存储里，不在这份备份中：请另行备份存储桶。")
        for name in backups.forget(folder, keep):
            self.stdout.write(f"已删除旧备份 {name}。")
        self.stdout.write(
            "备份不含任何密钥：请把 .env 中的 SECRET_KEY、FIELD_ENCRYPTION_KEYS、LOG_SIGNING_KEY 另存一处，"
            "与备份分开保管。没有它们，备份里的个人信息和附件谁也读不出来。"
        )
