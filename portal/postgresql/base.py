"""Django's PostgreSQL backend, on servers that keep what they say they stored."""

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class DatabaseWrapper(base.DatabaseWrapper):
    def init_connection_state(self):
        """Raises ImproperlyConfigured on a server where a power cut takes back what was acknowledged."""
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'", [list(DURABLE)])
            lossy = [name for (name,) in cursor.fetchall()]
        if lossy:
            raise ImproperlyConfigured(
                f"PostgreSQL 的 {'、'.join(lossy)} 设为 off：停电会丢失已经收下的异议，网站拒绝使用。"
                "请在 postgresql.conf 或用户、数据库的设置中改为 on，再重新启动。"
            )
