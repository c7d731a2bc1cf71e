"""Personal fields are ciphertext in the database; the keys live in the environment, newest first."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


def cipher() -> MultiFernet:
    """Encrypts with the first key of FIELD_ENCRYPTION_KEYS, decrypts with any of them."""
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class UnreadableField(Exception):
    """The stored value was encrypted with a key that is no longer in FIELD_ENCRYPTION_KEYS."""


class EncryptedTextField(models.TextField):
    """Text that is encrypted at rest. The database can tell whether it is "", and nothing else about it."""

    personal = True

    def from_db_value(self, value, expression, connection):
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise UnreadableField(f"{self.model.__name__}.{self.name}") from error

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return cipher().encrypt(value.encode()).decode() if value else value

    def get_lookup(self, lookup_name):
        return super().get_lookup(lookup_name) if lookup_name in ("exact", "isnull") else None
