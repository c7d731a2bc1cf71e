"""Personal fields are ciphertext in the database; the keys live in the environment, newest first."""

import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


def cipher() -> MultiFernet:
    """Encrypts with the first key of FIELD_ENCRYPTION_KEYS, decrypts with any of them."""
    return _cipher(*settings.FIELD_ENCRYPTION_KEYS)


@functools.cache
def _cipher(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class UnreadableField(Exception):
    """The stored value was encrypted with a key that is no longer in FIELD_ENCRYPTION_KEYS."""


class Unreadable(str):
    """Stands for such a value where it is shown, so that one lost key does not hide every other row."""

    __slots__ = ()


class Ciphertext(str):
    """A value that is stored as it is: it has been encrypted already."""

    __slots__ = ()


UNREADABLE = Unreadable("（无法解密）")


class EncryptedTextField(models.TextField):
    """Text that is encrypted at rest. The database can tell whether it is "", and nothing else about it."""

    personal = True

    def from_db_value(self, value, expression, connection):
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken:
            return UNREADABLE

    def get_prep_value(self, value):
        if isinstance(value, Unreadable):
            raise UnreadableField(f"{self.model.__name__}.{self.name}")  # never written over what a key may still open
        if isinstance(value, Ciphertext):
            return str(value)
        value = super().get_prep_value(value)
        return cipher().encrypt(value.encode()).decode() if value else value

    def get_lookup(self, lookup_name):
        return super().get_lookup(lookup_name) if lookup_name in ("exact", "isnull") else None
