"""What staff prove themselves with after the password. The database alone gives nobody a code: the secret of a telephone
is ciphertext under the site's keys, of recovery codes there are keyed digests."""

import base64
import hashlib
import secrets
import time
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from notices.encryption import EncryptedTextField, Unreadable

RECOVERY_CODES = 10
ROUNDS = 100_000  # of the digest of a recovery code
BYTES = 20  # of a telephone's secret: RFC 4226 asks for 160 bits
NEARBY = 1  # steps of 30 s before and after this one in which a code counts


def new_secret() -> str:
    """A secret in letters, as an authenticator app takes it."""
    return base64.b32encode(secrets.token_bytes(BYTES)).decode()


class Proof(ThrottlingMixin, Device):
    """Something that answers to a code: wrong ones make it wait for longer each time."""

    remembers: tuple[str, ...] = ()  # the fields that `takes` may change

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        return 1

    def verify_token(self, code: str) -> bool:
        """Whether `code` is right just now; then it never is again. The row is locked by whoever asks."""
        if not self.verify_is_allowed()[0]:
            return False
        right = self.takes(code)
        (self.throttle_reset if right else self.throttle_increment)(commit=False)
        self.save(update_fields=[*self.remembers, "throttling_failure_timestamp", "throttling_failure_count"])
        return right

    def takes(self, code: str) -> bool:
        """Whether `code` is right; what it leaves behind is saved with the row."""
        raise NotImplementedError


class Telephone(Proof):
    """An authenticator app (RFC 6238: SHA-1, 30 seconds, six digits)."""

    secret = EncryptedTextField("密钥", default=new_secret, editable=False)
    drift = models.SmallIntegerField("时钟偏差（步）", default=0, editable=False)
    last_step = models.BigIntegerField("最近用过的一步", default=-1, editable=False)

    remembers = ("drift", "last_step")

    class Meta:
        verbose_name = verbose_name_plural = "认证器"

    def takes(self, code: str) -> bool:
        if not (code.isascii() and code.isdigit()) or isinstance(self.secret, Unreadable):
            return False
        clock = TOTP(base64.b32decode(self.secret), drift=self.drift)
        clock.time = time.time()
        if not clock.verify(int(code), NEARBY, self.last_step + 1):
            return False
        self.drift, self.last_step = clock.drift, clock.t()
        return True

    @property
    def config_url(self) -> str:
        """What the QR code says."""
        issuer = settings.SITE_NAME.replace(":", "")
        label = quote(f"{issuer}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.secret, 'issuer': issuer}, quote_via=quote)}"


class RecoveryCodes(Proof):
    """Ten codes for the day without a telephone, each good for once. They are short, so their digest is a slow one."""

    salt = models.CharField("盐", max_length=32, editable=False)
    digests = models.JSONField("摘要", default=list, editable=False)

    remembers = ("digests",)

    class Meta:
        verbose_name = verbose_name_plural = "备用码"

    def renew(self) -> list[str]:
        """New codes, to be shown once; the former ones are worth nothing any more."""
        codes = [base64.b32encode(secrets.token_bytes(5)).decode().lower() for _ in range(RECOVERY_CODES)]
        self.salt = secrets.token_hex(16)
        self.digests = [self.digest(code) for code in codes]
        self.save()
        return codes

    def takes(self, code: str) -> bool:
        digest = self.digest(code)
        left = [each for each in self.digests if each != digest]
        found, self.digests = len(left) < len(self.digests), left
        return found

    def digest(self, code: str) -> str:
        keyed = salted_hmac("portal.recovery", code, algorithm="sha256").digest()
        return hashlib.pbkdf2_hmac("sha256", keyed, self.salt.encode(), ROUNDS).hex()
