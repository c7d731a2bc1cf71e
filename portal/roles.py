"""Who may what: the one table of roles and their permissions. A migration makes a group of each."""

import dataclasses

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group
from django.db.models import Q


@dataclasses.dataclass(frozen=True)
class Role:
    """`label` is the name of the group; `appointed` says that only those above all organisations, or who hold the role
    themselves, may grant it."""

    label: str
    permissions: tuple[str, ...]
    appointed: bool = False


def may(acts: str, models: str, app: str = "notices") -> tuple[str, ...]:
    """Every act on every model, both given as words: "app.act_model"."""
    return tuple(f"{app}.{act}_{model}" for model in models.split() for act in acts.split())


LEDGER = "inspectionround rectificationtask measure progressreport selfacceptance"
READING = may(
    "view",
    f"organisation receivingoffice publicityrule calendarday closure publicitynotice noticesection edition"
    f" evidence display outage {LEDGER}",
)
SHOWING = may("view add change", "display outage")
CASES = may("view", "objection attachment event note supplement outgoingmail handlingterms tally", "objections")

ROLES = {
    "editor": Role(
        "编辑",
        (
            *READING,
            *SHOWING,
            *may("add change", f"{LEDGER} publicitynotice noticesection"),
            *may("add delete", "evidence"),
            *may("delete", "measure progressreport noticesection"),  # lines of a task or a draft
        ),
    ),
    "reviewer": Role(
        "审核发布",
        (
            *READING,
            *may("publish change", "publicitynotice"),
            *may("close", "rectificationtask"),
            "notices.export_case_file",
        ),
    ),
    "handler": Role(
        "异议办理",
        (
            *CASES,
            *SHOWING,
            *may("view", "publicitynotice"),
            "objections.handle_objection",
            "objections.view_personal_data",
        ),
    ),
    "organisation_admin": Role(
        "单位管理员",
        (
            *READING,
            *may("add change", "receivingoffice publicityrule"),
            *may("view add change delete", "membership"),
            *may("view", "invitation"),
            *may("view add change", "handlingterms", "objections"),
            *may("view add change", "user", "auth"),
            "notices.grant_roles",
        ),
    ),
    "supervisor": Role("督察办", (*READING, *CASES, *may("supervise", "organisation")), appointed=True),
    "auditor": Role("审计", may("view", "trailentry"), appointed=True),
}


def write(apps=installed) -> None:
    """Make each role's group, with the permissions of the table and no others. Run twice is run once."""
    for label in ("auth", "notices", "objections"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps)
    permissions, groups = apps.get_model("auth", "Permission").objects, apps.get_model("auth", "Group").objects
    for role in ROLES.values():
        named = Q()
        for app, _, codename in (name.partition(".") for name in role.permissions):
            named |= Q(content_type__app_label=app, codename=codename)
        groups.get_or_create(name=role.label)[0].permissions.set(permissions.filter(named))


def group(key: str) -> Group:
    """The group of the role of that name in the table."""
    return Group.objects.get(name=ROLES[key].label)


def grantable(user):
    """The groups that `user` may give others: none without permission, never more than the table or they themselves
    have."""
    if user.is_superuser:
        return Group.objects.all()
    if not user.has_perm("notices.grant_roles"):
        return Group.objects.none()
    everyday = [role.label for role in ROLES.values() if not role.appointed]
    return Group.objects.filter(Q(name__in=everyday) | Q(pk__in=user.groups.all()))
