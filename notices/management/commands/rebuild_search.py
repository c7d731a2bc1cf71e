"""Make the search index anew from the published editions; the old one goes on answering until then."""

from django.core.management.base import BaseCommand, CommandError

from notices.search import following
from notices.search.index import Unavailable


class Command(BaseCommand):
    help = (
        "重新生成搜索索引。平时不需要：索引丢失或损坏时会自动重建；更改单位代码后运行一次。完成之前，原有索引照常使用。"
    )

    def handle(self, **options):
        try:
            following.begin_anew()
            while not following.rebuild_a_part():
                self.stdout.write(".", ending="")
                self.stdout.flush()
        except BlockingIOError as error:
            raise CommandError("另一个进程正在重建搜索索引。") from error
        except Unavailable as error:
            raise CommandError(f"不能写入 {following.path()}：{error}") from error
        self.stdout.write(f"搜索索引已重建：{following.path()}")
