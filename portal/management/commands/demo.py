"""The whole portal at once, to try out: invented data, the site, the mail worker."""

import os
import sys

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.urls import reverse
from django.utils import timezone

from portal import demo
from portal.demo import objections, serving, staff


class Command(BaseCommand):
    help = "准备演示数据，启动网站和邮件发送进程；再次启动时保留全部数据。"

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000, help="网站端口，默认 8000")
        parser.add_argument("--no-serve", action="store_true", help="只准备数据，不启动网站")

    def handle(self, *, port: int, no_serve: bool, **options):
        if not no_serve and not serving.is_free(port):
            sys.exit(f"端口 {port} 已被占用，请换一个端口，例如：demo --port {port + 1}。")
        self.prepare()
        self.describe()
        if not no_serve:
            sys.exit(serving.serve(port, self.say))

    def say(self, line: str = "") -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def prepare(self) -> None:
        """Tables, static files, data."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        new = demo.fill(os.environ["DEMO_PASSWORD"])
        self.say("演示数据已经生成。" if new else "数据库里已有数据，全部保留，没有改动。")

    def describe(self) -> None:
        """Where to go, who one can be, what to look up."""
        self.say(f"\n网站  {settings.SITE_URL}/")
        self.say(f"后台  {settings.SITE_URL}{reverse('admin:index')}\n")
        self.say(f"后台用户（密码都是 {os.environ['DEMO_PASSWORD']} ，首次启动时随机生成，存于 var/demo.env）")
        self.say("  演示只用密码登录；正式运行时还要输入认证器的验证码（STAFF_SECOND_FACTOR）。")
        for user in get_user_model().objects.filter(username__in=staff.PEOPLE).order_by("pk"):
            self.say(f"  {user.username:<8}{user.last_name}{user.first_name}　{staff.PEOPLE[user.username][0]}")
        self.say(f"\n演示异议的回执码（在 {settings.SITE_URL}{reverse('objections:track')} 查询）")
        for code, objection in objections.receipt_codes(timezone.localdate()):
            self.say(f"  {code}  {objection.number}  {objection.status.label}")
        self.say("\n邮件存为 var/mail/ 下的 .eml 文件，发送时也显示在本终端。\n")
