"""Read notices from files into drafts, or publish them."""

import dataclasses
import datetime
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from notices import importing
from notices.documents import reading


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


day.__name__ = "日期"  # argparse names the type in its message


class Command(BaseCommand):
    help = "读入公示文件（txt、html、docx），存为草稿；加 --publish 直接发布。任何一份有误，全部不保存。"

    def create_parser(self, *arguments, **options):
        """Whatever is wrong with the arguments is one sentence and exit code 1, like every other fault."""
        parser = super().create_parser(*arguments, **options)
        if parser.called_from_command_line:
            parser.error = lambda message: parser.exit(1, f"参数有误：{message}\n没有保存任何内容。\n")
        return parser

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="公示文件")
        parser.add_argument("--organisation", required=True, metavar="CODE", help="发布单位代码，如 370300")
        parser.add_argument("--create", action="store_true", help="单位和受理部门没有登记时按公示新建")
        parser.add_argument("--mailbox", default="", metavar="ADDRESS", help="异议送达邮箱")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不保存")
        parser.add_argument("--publish", action="store_true", help="直接发布")
        parser.add_argument("--as", dest="drafter", metavar="USER", help="起草人的用户名")
        parser.add_argument("--approved-by", dest="approver", metavar="USER", help="审核发布人的用户名")
        parser.add_argument(
            "--window", nargs=2, type=day, metavar=("FROM", "TO"), help="改用这个公示期，如 2026-01-05 2026-01-16"
        )

    def handle(self, *, files, dry_run, **options):
        names = {field.name for field in dataclasses.fields(importing.Options)}
        how = {name: value for name, value in options.items() if name in names}
        faults, done = [], []
        with transaction.atomic():
            try:
                how |= self.people(options)
            except importing.Refused as refusal:
                faults += refusal.faults
            for file in [] if faults else files:
                try:
                    done.append((file, importing.store(reading.read_file(file), importing.Options(**how))))
                except (reading.Unreadable, importing.Refused) as refusal:
                    faults += [f"{file}:{line}" for line in str(refusal).splitlines()]
            transaction.set_rollback(dry_run or bool(faults))
        if faults:
            raise CommandError("\n".join([*faults, "没有保存任何内容。"]))
        self.report(done, dry_run)

    def people(self, options) -> dict:
        """The users of --as and --approved-by. Raises Refused when a name is unknown or both are one person."""
        found = {name: self.user(options[name]) for name in ("drafter", "approver") if options[name]}
        if found.get("approver") and found.get("approver") == found.get("drafter"):
            raise importing.Refused(["--approved-by:起草人不能发布自己的公示，请写另一个人。"])
        if len(found) == 1 and options["publish"]:
            raise importing.Refused(["--as 和 --approved-by 要一起写；都不写时记为命令行发布。"])
        return found

    def user(self, name: str):
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if not user:
            raise importing.Refused([f"用户：没有名为 {name} 的在职用户。"])
        return user

    def report(self, done, dry_run: bool) -> None:
        for file, imported in done:
            say = self.stdout if dry_run else self.stderr
            for remark in imported.remarks:
                say.write(f"{file}:{remark}")
            notice = imported.notice
            if dry_run:
                self.stdout.write(f"{file}:可以导入。" if imported.new else f"{file}:已经导入过，不会改动。")
            else:
                self.stdout.write(notice.reference or f"draft {notice.pk}")
