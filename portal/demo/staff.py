"""The demonstration's staff: who may do what."""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission

# What a drafter writes; everything else in the notices app is read only.
WRITTEN = (
    "inspectionround",
    "rectificationtask",
    "measure",
    "progressreport",
    "selfacceptance",
    "publicitynotice",
    "noticesection",
    "display",
    "outage",
)
PARTS = ("measure", "progressreport", "noticesection")  # lines of a task or a draft, which a drafter also strikes out

# login: (role as printed, family name, given name)
PEOPLE = {
    "bianji": ("编辑：起草公示、送审", "林", "晓雯"),
    "shenhe": ("审核：退回、发布、撤回", "秦", "正远"),
    "yiyi": ("异议办理：受理、核查、答复、办结", "苏", "若宁"),
    "admin": ("系统管理员：全部权限", "韩", "一舟"),
}


def make(password: str) -> dict:
    """login → user. One hash for all: they share one password, and hashing is slow on purpose."""
    hashed = make_password(password)
    users = {
        login: get_user_model().objects.create(
            username=login,
            password=hashed,
            last_name=family,
            first_name=given,
            is_staff=True,
            is_superuser=login == "admin",
        )
        for login, (_, family, given) in PEOPLE.items()
    }
    for login, names in permissions().items():
        users[login].user_permissions.set(_find(names))
    return users


def permissions() -> dict[str, list[str]]:
    """login → "app.codename" of everything the role may do."""
    reading = ["notices.view_*"]
    writing = [f"notices.{act}_{model}" for model in WRITTEN for act in ("add", "change")]
    striking = [f"notices.delete_{model}" for model in PARTS]
    reviewing = ["notices.publish_publicitynotice", "notices.change_publicitynotice"]
    showing = [f"notices.{act}_{model}" for model in ("display", "outage") for act in ("view", "add", "change")]
    return {
        "bianji": [*reading, *writing, *striking],
        "shenhe": [*reading, *reviewing],
        "yiyi": ["objections.view_*", "objections.handle_objection", "notices.view_publicitynotice", *showing],
    }


def _find(names: list[str]) -> list[Permission]:
    """The permissions of these names; `view_*` stands for every model of the app."""
    found = []
    for name in names:
        app, codename = name.split(".")
        lookup = {"codename__startswith": "view_"} if codename == "view_*" else {"codename": codename}
        found += Permission.objects.filter(content_type__app_label=app, **lookup)
    return found
