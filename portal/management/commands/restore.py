"""A backup put back into an empty database, and everything in it checked."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from notices import auditing
from notices.models import Checkpoint
from objections import vault
from objections.models import Attachment, Objection
from portal import backups


class Command(BaseCommand):
    help = "把备份恢复到空的数据库和空的 MEDIA_ROOT，并核对日志、版本和每个附件。要先设置备份时使用的密钥。"

    def add_arguments(self, parser):
        parser.add_argument("backup", type=Path, metavar="DIR", help="backup 命令写出的文件夹")

        parser.add_argument("--keyring", type=Path, metavar="FILE", help="钥匙圈的副本，恢复到空的 KEYRING_URL")

    def handle(self, *, backup: Path, keyring: Path | None, **options):
        try:
            manifest = backups.restore(backup, keyring=keyring)
        except (backups.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"已恢复 {manifest['taken_at']} 的备份，正在核对……")
        found = [*missing_checkpoint(manifest), *auditing.differences(), *unreadable_attachments()]
        for difference in found:
            self.stderr.write(difference)
        if found:
            raise CommandError(f"核对发现 {len(found)} 处不符，见上。")
        counts = f"{Objection.objects.count()} 条异议、{Attachment.objects.count()} 个附件"
        self.stdout.write(f"核对无误：{counts}，公示日志与各版本一致。")
        self.stdout.write("如果程序比备份新，请运行 migrate。使用外部签名时，请运行 sign_log --recover。")


def missing_checkpoint(manifest: dict):
    """One sentence when the log is not the one that was signed before the backup was taken."""
    if manifest["checkpoint"] and not Checkpoint.objects.filter(note=manifest["checkpoint"]).exists():
        yield "公示日志：没有备份时记下的检查点。"


def unreadable_attachments():
    """One sentence for each attachment that is not what was uploaded."""
    for attachment in Attachment.objects.iterator():
        try:
            attachment.read()
        except vault.Unavailable:
            yield f"附件 {attachment.pk}：文件缺失、损坏或无法解密。"
