"""What several models share: a fact has its time and its author, and a verb refuses what does not fit the facts."""

from django.db import models
from django.db.models import Q


class NotAllowed(Exception):
    """A verb does not fit the facts; the message, in Chinese, says why and what to do."""


def pair(fact: str, message: str) -> models.CheckConstraint:
    """`<fact>_at` and `<fact>_by` are both set or both empty; `message` is what a clerk reads."""
    at, by = f"{fact}_at__isnull", f"{fact}_by__isnull"
    return models.CheckConstraint(
        condition=Q(**{at: True, by: True}) | Q(**{at: False, by: False}),
        name=f"%(app_label)s_%(class)s_{fact}_pair",
        violation_error_message=message,
    )


def explained(fact: str, text: str, message: str) -> models.CheckConstraint:
    """Whoever records `<fact>_at` says why in the field `text`."""
    return models.CheckConstraint(
        condition=Q(**{f"{fact}_at__isnull": True}) | ~Q(**{text: ""}),
        name=f"%(app_label)s_%(class)s_{fact}_reason",
        violation_error_message=message,
    )


def who(verbose_name: str, **options) -> models.ForeignKey:
    """The person behind a fact. People who acted are never deleted from the record; nor are facts looked for by person,
    so there is no index unless told: each would be written with every row."""
    options = {"db_index": False, "related_name": "+"} | options
    return models.ForeignKey("auth.User", models.PROTECT, verbose_name=verbose_name, **options)
