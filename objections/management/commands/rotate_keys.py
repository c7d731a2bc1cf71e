"""Encrypt anew with the newest site key, and say whether the old one can go."""

from django.core.management.base import BaseCommand, CommandError

from objections import rotation


class Command(BaseCommand):
    help = (
        "更换 FIELD_ENCRYPTION_KEYS：先用 generate_keys 生成新密钥，加在最前面，重启网站和各进程，再运行本命令；"
        "网站可以照常运行，中断后可以再次运行。全部完成后本命令会说明旧密钥可以去掉。"
    )

    def handle(self, **options):
        for label, count in rotation.rotate():
            self.stdout.write(f"{label}：重新加密 {count} 个。")
        remaining = {label: count for label, count in rotation.left() if count}
        if remaining:
            told = "；".join(f"{label} {count} 个" for label, count in remaining.items())
            raise CommandError(
                f"仍需要旧密钥，或没有能打开的密钥：{told}。旧密钥不要去掉；确认各进程已重启后再运行一次。"
            )
        self.stdout.write("全部使用最新的密钥，FIELD_ENCRYPTION_KEYS 里的旧密钥可以去掉了。")
