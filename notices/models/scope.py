"""Whose rows are whose: what belongs to an organisation is worked on by its members and read from above."""

from django.conf import settings
from django.db import models
from django.db.models.expressions import RawSQL

OWN = "SELECT organisation_id FROM notices_membership WHERE user_id = %s"
CHAIN = "WITH RECURSIVE chain(id) AS ({own} UNION {step}) SELECT id FROM chain WHERE id IS NOT NULL"
DOWN = "SELECT each.id FROM notices_organisation each JOIN chain ON each.parent_id = chain.id"
UP = "SELECT each.parent_id FROM notices_organisation each JOIN chain ON each.id = chain.id"


def run_by(user) -> RawSQL:
    """The ids of the organisations that `user` is a member of."""
    return RawSQL(OWN, [user.pk])  # noqa: S611 – the statements stand above, the id is a parameter


def above(user) -> RawSQL:
    """These, and all that stand above them."""
    return RawSQL(CHAIN.format(own=OWN, step=UP), [user.pk])  # noqa: S611


def read_by(user) -> RawSQL:
    """These, and for a supervisor all below them."""
    if not user.has_perm("notices.supervise_organisation"):
        return run_by(user)
    return RawSQL(CHAIN.format(own=OWN, step=DOWN), [user.pk])  # noqa: S611


class ScopedQuerySet(models.QuerySet):
    """Rows of a model that says in `belongs_to` which relation leads to its organisation."""

    def within(self, organisations):
        """The rows of the organisations of these ids. The one place that says whose a row is."""
        return self.filter(**{f"{self.model.belongs_to}__in": organisations})

    def own(self, user):
        """What `user` may work on, as far as permissions go."""
        return self if user.is_superuser else self.within(run_by(user))

    def of(self, user):
        """What `user` may see, as far as permissions go."""
        return self if user.is_superuser else self.within(read_by(user))


def organisation_of(row):
    """The organisation that `row` belongs to; None where it belongs to none."""
    path = getattr(row, "belongs_to", "")
    if path == "pk":
        return row
    for name in filter(None, path.split("__")):
        row = row and getattr(row, name)
    return row if path else None


class MembershipQuerySet(ScopedQuerySet):
    def colleagues(self, organisations):
        """The ids of everybody in these organisations."""
        return self.within(organisations).values("user")


class Membership(models.Model):
    """Somebody belongs to an organisation; what they may do there, their groups say."""

    belongs_to = "organisation"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name="用户", related_name="memberships")
    organisation = models.ForeignKey(
        "notices.Organisation", models.PROTECT, verbose_name="单位", related_name="memberships"
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "所属单位"
        ordering = ("user", "organisation")
        permissions = [("grant_roles", "可以授予角色")]
        constraints = [
            models.UniqueConstraint(
                fields=("user", "organisation"),
                name="notices_membership_once",
                violation_error_message="这位用户已经属于这个单位。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.user}"
