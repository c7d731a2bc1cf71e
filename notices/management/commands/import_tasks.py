"""Read a plan's list of tasks from a spreadsheet into the ledger."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from notices import plans
from notices.documents.files import MAX_BYTES, Unreadable, too_large
from notices.models import InspectionRound, Organisation


class Command(BaseCommand):
    help = "读入整改任务清单（xlsx 或 csv）。有一处错误就全部不保存；再次读入不会重复，也不改动已登记的内容。"

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", metavar="FILE", type=Path, help="任务清单，xlsx 或 csv")
        parser.add_argument("--organisation", metavar="CODE", help="单位代码，如 370300")
        parser.add_argument("--round", metavar="SLUG", help="督察轮次的网址标识，如 central-1")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不保存")
        parser.add_argument("--template", metavar="FILE", type=Path, help="写出空白模板，不读入")

    def handle(self, *, file, template, dry_run, **options):
        if template:
            template.write_bytes(plans.template())
            self.stdout.write(f"模板已写入 {template}")
            return
        if not (file and options["organisation"] and options["round"]):
            raise CommandError("请写明 FILE、--organisation 和 --round；要模板请用 --template。")
        organisation = self.one(Organisation, "单位", code=options["organisation"])
        round_ = self.one(InspectionRound, "督察轮次", slug=options["round"])
        try:
            with transaction.atomic():
                stored = plans.store(self.read(file), organisation, round_)
                transaction.set_rollback(dry_run)
        except (Unreadable, plans.Refused) as refusal:
            faults = [f"{file} {line}" for line in str(refusal).splitlines()]
            raise CommandError("\n".join([*faults, "没有保存任何内容。"])) from refusal
        self.report(file, stored, dry_run)

    def one(self, model, name: str, **key):
        found = model.objects.filter(**key).first()
        if not found:
            raise CommandError(f"没有标识为 {next(iter(key.values()))} 的{name}，请先在后台登记。")
        return found

    def read(self, file: Path) -> plans.Plan:
        try:
            if not file.is_file():
                raise OSError("not a file")
            if (size := file.stat().st_size) > MAX_BYTES:
                raise Unreadable(too_large(size))
            return plans.read(file.name, file.read_bytes())
        except OSError as error:
            raise Unreadable("文件打不开；请检查文件是否存在、是否有读取权限。") from error

    def report(self, file: Path, stored: plans.Stored, dry_run: bool) -> None:
        for remark in stored.remarks:
            self.stderr.write(f"{file} {remark}")
        act = "可以读入" if dry_run else "已读入"
        new, filled = len(stored.new), len(stored.filled)
        self.stdout.write(f"{act}：新增 {new} 项，补充 {filled} 项，未变 {stored.unchanged} 项。")
