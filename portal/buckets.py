"""Files in an S3-compatible object storage. Imported only where STORAGE_URL names one."""

import contextlib
import io
from collections.abc import Iterator

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

# Two tries end before the web server gives up on the request. No checksums beyond what every such storage knows:
# each file has its SHA-256 in the database.
CONFIG = Config(
    connect_timeout=4,
    read_timeout=10,
    retries={"total_max_attempts": 2, "mode": "standard"},
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
WHOLE = 64 * 1024 * 1024  # bytes that go up in one request: a file is there whole or not at all


@contextlib.contextmanager
def _as_on_a_disk() -> Iterator[None]:
    """What goes wrong is an OSError, so that nobody else has to know where files lie."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


class Bucket(S3Storage):
    """One private bucket. Names are random, so nothing is ever overwritten and nobody asks first whether it is there."""

    def __init__(self, **options):
        transfer = TransferConfig(multipart_threshold=WHOLE, use_threads=False)
        super().__init__(client_config=CONFIG, transfer_config=transfer, **options)

    def _open(self, name: str, mode: str = "rb") -> File:
        """The file, read whole: the largest has 10 MB."""
        with _as_on_a_disk():
            return File(io.BytesIO(self.bucket.Object(name).get()["Body"].read()), name)

    def _save(self, name: str, content) -> str:
        with _as_on_a_disk():
            return super()._save(name, content)

    def delete(self, name: str) -> None:
        with _as_on_a_disk():
            super().delete(name)

    def names_before(self, folder: str, before: float) -> Iterator[str]:
        """The names under `folder` last changed before that time (seconds since 1970)."""
        with _as_on_a_disk():
            for each in self.bucket.objects.filter(Prefix=f"{folder}/"):
                if each.last_modified.timestamp() < before:
                    yield each.key
