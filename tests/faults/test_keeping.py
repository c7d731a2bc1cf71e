"""A backup and a change of keys beside citizens who post, and PostgreSQL back at a point in time; the careless are seen."""

from django.db import connection

from . import keeping, rewinding

VENDOR = connection.vendor


def whole(found: dict) -> bool:
    return not any(found[name] for name in keeping.WHOLE)


def test_a_backup_taken_while_people_post_brings_back_all_that_was_acknowledged_before_it():
    found = keeping.backup(VENDOR, stored=12, posts=40)
    assert whole(found), found
    assert found["acknowledged meanwhile"] > 0
    assert found["stored afterwards"] >= found["acknowledged before"] >= 22
    assert found["says that it holds no key"]
    assert found["restore asks for the keys first"]


def test_files_copied_before_the_database_are_missed():
    assert "文件缺失" in keeping.careless(VENDOR)


def test_keys_are_changed_while_people_post_and_everything_is_read_with_the_new_one():
    found = keeping.rotate(VENDOR, stored=10, posts=24)
    assert whole(found), found
    assert found["of these meanwhile"] > 0
    assert found["ended with"] == 0
    assert "旧密钥可以去掉了" in found["rotate_keys said"][0]


def test_a_website_that_was_not_told_of_the_new_key_is_seen():
    assert not whole(keeping.rotate(VENDOR, stored=2, posts=20, knows_the_new_key=False))


if connection.vendor == "postgresql":

    def test_postgresql_goes_back_to_a_moment_and_is_whole():
        found = rewinding.campaign()
        assert (found["objections"], found["whole"], found["log"]) == (found["wanted"], True, [])
        assert (found["writable"], found["audit ended with"]) == (True, 0)
