"""Print fresh secrets as lines for .env."""

from django.core.management.base import BaseCommand

from portal import keys


class Command(BaseCommand):
    help = "生成一组新的密钥，按 .env 的格式输出。请另外保管一份：丢失 FIELD_ENCRYPTION_KEYS 后个人信息无法恢复。"
    requires_system_checks = []

    def handle(self, **options):
        for name, value in keys.generate().items():
            self.stdout.write(f"{name}={value}")
