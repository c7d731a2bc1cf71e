"""A member of the staff, invited by mail: no account begins with a password that somebody else knows."""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from notices.models import Invitation, Organisation
from portal import roles


class Command(BaseCommand):
    help = "建立后台用户，并发邮件请其设置密码；没有默认密码。邮件由 send_mail 发出。"

    def add_arguments(self, parser):
        parser.add_argument("username", metavar="USERNAME", help="登录用的用户名")
        parser.add_argument("--email", required=True, metavar="ADDRESS", help="设置密码的链接发到这里")
        parser.add_argument("--organisation", action="append", default=[], metavar="CODE", help="单位代码，可写几次")
        known = "、".join(f"{key} {role.label}" for key, role in roles.ROLES.items())
        parser.add_argument("--role", action="append", default=[], metavar="ROLE", help=f"角色，可写几次：{known}")
        parser.add_argument("--name", default="", metavar="NAME", help="姓名")
        parser.add_argument("--superuser", action="store_true", help="系统管理员：全部单位、全部权限，不写单位和角色")

    @transaction.atomic
    def handle(self, *, username, email, organisation, role, name, superuser, **options):
        if superuser == bool(organisation or role) or bool(organisation) != bool(role):
            raise CommandError("请写明 --organisation 和 --role；系统管理员只写 --superuser。")
        organisations, groups = [_organisation(code) for code in organisation], [_group(key) for key in role]
        user = User(username=username, email=email, last_name=name, is_staff=True, is_superuser=superuser)
        user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError("".join(error.messages)) from error
        user.save()
        user.groups.set(groups)
        for each in organisations:
            user.memberships.create(organisation=each)
        Invitation.objects.invite(user)
        self.stdout.write(f"已建立用户 {username}，设置密码的邮件将发往 {email}。")


def _organisation(code: str) -> Organisation:
    found = Organisation.objects.filter(code=code).first()
    if not found:
        raise CommandError(f"没有单位代码为 {code} 的单位，请先在后台登记。")
    return found


def _group(key: str):
    if key not in roles.ROLES:
        raise CommandError(f"没有角色 {key}，可选：{'、'.join(roles.ROLES)}。")
    return roles.group(key)
