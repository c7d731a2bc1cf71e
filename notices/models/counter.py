"""Counts that must be exact between processes: one row each, written by one statement."""

import datetime

from django.db import connection, models

UPSERT = (
    "INSERT INTO notices_counter (key, hits, expires_at) VALUES (%s, 1, %s) "
    "ON CONFLICT (key) DO UPDATE SET hits = notices_counter.hits + 1 RETURNING hits"
)


class CounterManager(models.Manager):
    def hit(self, key: str, expires_at: datetime.datetime) -> int:
        """Count once more under `key`; returns how often that is by now."""
        with connection.cursor() as cursor:
            cursor.execute(UPSERT, [key, connection.ops.adapt_datetimefield_value(expires_at)])
            return cursor.fetchone()[0]

    def hits(self, key: str) -> int:
        """How often `key` was counted."""
        return self.filter(key=key).values_list("hits", flat=True).first() or 0

    def forget(self, now: datetime.datetime) -> int:
        """Remove what has expired; returns how many rows."""
        return self.filter(expires_at__lte=now).delete()[0]


class Counter(models.Model):
    """How often something came from one place in one stretch of time. The key tells neither."""

    key = models.CharField(max_length=64, primary_key=True)
    hits = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    objects = CounterManager()

    class Meta:
        verbose_name = verbose_name_plural = "计数"

    def __str__(self) -> str:
        return str(self.hits)
