"""A new site key: everything that an older one of FIELD_ENCRYPTION_KEYS encrypted is encrypted anew with the newest.

Text under an objection's own key is not touched, only that key is. Each step is guarded by what it replaces, so the site
may run meanwhile, and a second run goes on where the first one ended.
"""

from collections.abc import Iterable, Iterator

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.db.models.expressions import ExpressionWrapper

from notices.encryption import Ciphertext, EncryptedTextField, cipher

from . import keyring
from .sealing import SealedTextField

BATCH = 500
KEYS = "异议的密钥"


def is_old(token: str) -> bool:
    """Not under the newest key: under an older one, or under none that is known."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return True
    return False


def rotated(rows: Iterable[tuple]) -> list[tuple[str, object, str]]:
    """(new, id, old) of those (id, token) that an older key encrypted. What no key opens stays as it is."""
    renewed = []
    for row, token in rows:
        try:
            renewed += [(cipher().rotate(token.encode()).decode(), row, token)] if is_old(token) else []
        except InvalidToken:
            continue
    return renewed


def fields() -> list[tuple[type[models.Model], str]]:
    """Every field under the site's keys."""
    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField) and not isinstance(field, SealedTextField)
    ]


def rotate() -> Iterator[tuple[str, int]]:
    """What is renewed, and how many of it."""
    yield KEYS, sum(keyring.replace(rotated(batch)) for batch in keyring.batches(BATCH))
    for model, name in fields():
        yield label(model, name), sum(_replace(model, name, rotated(batch)) for batch in _batches(model, name))
    keyring.compact()


def left() -> Iterator[tuple[str, int]]:
    """What still needs an older key, or one that is not known, and how many of it."""
    yield KEYS, sum(is_old(token) for batch in keyring.batches(BATCH) for _, token in batch)
    for model, name in fields():
        yield label(model, name), sum(is_old(token) for batch in _batches(model, name) for _, token in batch)


def label(model: type[models.Model], name: str) -> str:
    return f"{model._meta.verbose_name}的{model._meta.get_field(name).verbose_name}"


def _batches(model: type[models.Model], name: str) -> Iterator[list[tuple[int, str]]]:
    """(pk, stored value), by pk."""
    stored = ExpressionWrapper(F(name), output_field=models.TextField())
    rows = model._base_manager.exclude(**{name: ""}).exclude(**{f"{name}__isnull": True}).order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last).values_list("pk", stored)[:BATCH]):
        yield batch
        last = batch[-1][0]


@transaction.atomic
def _replace(model: type[models.Model], name: str, renewed: list[tuple]) -> int:
    return sum(
        model._base_manager.filter(pk=pk, **{name: Ciphertext(old)}).update(**{name: Ciphertext(new)})
        for new, pk, old in renewed
    )
