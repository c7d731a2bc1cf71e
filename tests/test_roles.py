"""Roles come from one table; who grants them never grants more than is theirs, and never to themselves."""

import pytest
from django.contrib.auth.models import Group, User

from portal import roles
from tests.filling import filled
from tests.make import make_member, make_organisation, make_user

pytestmark = pytest.mark.django_db
ADD = "/admin/auth/user/add/"


@pytest.fixture
def bureau():
    return make_organisation()


@pytest.fixture
def admin(client, bureau):
    user = make_member("wu", "organisation_admin", organisation=bureau)
    client.force_login(user)
    return user


def post(client, *keys, url=ADD, organisation=None, **changes):
    """The form of a user, with these roles."""
    held = User.objects.filter(username=changes.get("username", "sun")).first()
    rows = list(held.memberships.all()) if held and url != ADD else []
    data = {"username": "sun", "last_name": "孙", "first_name": "一", "email": "sun@qinglan.example", "is_active": "on"}
    data |= {"groups": [roles.group(key).pk for key in keys]}
    data |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": len(rows)}
    data |= {"memberships-0-organisation": (organisation or make_organisation()).pk}
    data |= {"memberships-0-id": rows[0].pk, "memberships-0-user": held.pk} if rows else {}
    data |= {} if url == ADD else {"_shown": filled(client, url).get("_shown", "")}
    return client.post(url, data | changes)


def page(user) -> str:
    return f"/admin/auth/user/{user.pk}/change/"


def held(username="sun") -> list[str]:
    return sorted(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_the_groups_are_what_the_table_says_and_writing_again_mends_them():
    roles.write()
    for key, role in roles.ROLES.items():
        group = roles.group(key)
        found = {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}
        assert found == set(role.permissions), key  # a name that no permission has would be missing
        group.permissions.clear()
    roles.write()
    assert all(group.permissions.exists() for group in Group.objects.all())
    assert Group.objects.count() == len(roles.ROLES)


def test_no_role_both_drafts_and_publishes_and_only_auditors_read_the_trail():
    for key, role in roles.ROLES.items():
        assert not {"notices.add_publicitynotice", "notices.publish_publicitynotice"} <= set(role.permissions)
        assert ("notices.view_trailentry" in role.permissions) == (key == "auditor")


def test_an_organisation_admin_adds_a_colleague_who_cannot_log_in_yet(client, admin):
    assert post(client, "editor", "handler").status_code == 302
    user = User.objects.get(username="sun")
    assert held() == ["异议办理", "编辑"]
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, False, False)


@pytest.mark.parametrize("key", ["supervisor", "auditor"])
def test_what_one_does_not_hold_and_the_table_keeps_one_does_not_grant(client, admin, key):
    assert post(client, key).status_code == 200
    assert not User.objects.filter(username="sun").exists()
    admin.groups.add(roles.group(key))
    assert post(client, key).status_code == 302  # the control: who holds it may


def test_nobody_changes_their_own_account(client, admin):
    assert post(client, "editor", url=page(admin), username="wu").status_code == 403
    root = make_user("root", is_superuser=True)
    client.force_login(root)
    assert client.post(page(root), {"is_active": ""}).status_code == 403


def test_crafted_fields_grant_nothing(client, admin):
    post(client, "editor", is_superuser="on", user_permissions=["1"], is_staff="", password="x")
    user = User.objects.get(username="sun")
    assert (user.is_superuser, user.user_permissions.count(), user.has_usable_password()) == (False, 0, False)


def test_who_is_higher_or_also_elsewhere_is_read_and_not_changed(client, admin, bureau):
    other = make_organisation("990302", "临溪分局")
    both = make_member("zhao", "editor", organisation=bureau)
    both.memberships.create(organisation=other)
    for user in (
        both,
        make_member("boss", "supervisor", organisation=bureau),
        make_user("root", organisation=bureau, is_superuser=True),
        make_user("li", "notices.publish_publicitynotice", organisation=bureau),
    ):
        assert client.get(page(user)).status_code == 200, user
        assert post(client, "editor", url=page(user), username=user.username).status_code == 403, user
    assert client.get(page(make_member("far", "editor", organisation=other))).status_code == 404
    peer = make_member("sun", "editor", organisation=bureau)
    assert post(client, "reviewer", url=page(peer)).status_code == 302  # the control
    assert held() == ["审核发布"]


def test_nobody_is_brought_into_a_foreign_organisation(client, admin):
    foreign = make_organisation("990302", "临溪分局")
    assert post(client, "editor", organisation=foreign).status_code == 200
    assert not User.objects.filter(username="sun").exists()


def test_without_the_permission_to_grant_roles_are_not_touched(client, bureau):
    client.force_login(
        make_user("wu", "auth.view_user", "auth.change_user", "notices.view_membership", organisation=bureau)
    )
    peer = make_member("sun", organisation=bureau)
    post(client, "reviewer", url=page(peer), last_name="改")
    assert (held(), User.objects.get(username="sun").last_name) == ([], "改")
    assert "notices.grant_roles" in roles.ROLES["organisation_admin"].permissions
    assert client.get("/admin/auth/group/").status_code == 404
