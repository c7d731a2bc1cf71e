"""The demonstration's staff: who has which role where."""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from notices.models import Membership, Organisation
from portal import roles

ALL = ("990000", "990300", "990300-2", "990300-3", "990302")
BUREAU = ("990300",)

# login: (role as printed, family name, given name, roles, codes of the organisations)
PEOPLE = {
    "bianji": ("编辑：起草公示、送审", "林", "晓雯", ["editor"], ALL),
    "shenhe": ("审核：退回、发布、撤回", "秦", "正远", ["reviewer"], ALL),
    "yiyi": ("异议办理：受理、核查、答复、办结", "苏", "若宁", ["handler"], ALL),
    "admin": ("系统管理员：全部权限", "韩", "一舟", [], ()),
    "fenju": ("临溪分局的编辑：只看得到本单位", "罗", "小满", ["editor"], ("990302",)),
    "danwei": ("单位管理员：本单位的用户、受理部门、公示期规则", "姚", "思齐", ["organisation_admin"], BUREAU),
    "ducha": ("督察办：查看本单位和下级单位", "孟", "怀谷", ["supervisor"], ("990000",)),
    "shenji": ("审计：查看审计记录", "陆", "知白", ["auditor"], BUREAU),
}


def make(password: str, organisations: dict[str, Organisation]) -> dict:
    """login → user. One hash for all: they share one password, and hashing is slow on purpose."""
    roles.write()
    hashed, users = make_password(password), {}
    for login, (_, family, given, keys, codes) in PEOPLE.items():
        users[login] = user = get_user_model().objects.create(
            username=login,
            password=hashed,
            last_name=family,
            first_name=given,
            email=f"{login}@qinglan.example",
            is_staff=True,
            is_superuser=login == "admin",
        )
        user.groups.set([roles.group(key) for key in keys])
        Membership.objects.bulk_create(Membership(user=user, organisation=organisations[code]) for code in codes)
    return users
