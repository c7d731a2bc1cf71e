"""Two web hosts behind one nginx: one dies and nobody loses anything, both know what either did, Redis may be away."""

import shutil

import pytest
from django.db import connection

from objections import throttle
from tests.front import NGINX

from . import hosts
from .outages import is_sound

if connection.vendor == "postgresql":

    @pytest.fixture(scope="module")
    def province():
        if not NGINX or not shutil.which("redis-server"):
            pytest.skip("no nginx or redis-server on this machine")
        with hosts.province() as province:
            yield province

    def test_a_host_killed_under_load_costs_nobody_anything(province):
        found = hosts.killed_under_load(province, posts=60, clients=10)
        assert is_sound(found), found
        assert (found["acknowledged"], found["broken"]) == (60, 0)
        assert found["taken while one was away"] > 0
        assert set(found["read"]) == {200}

    def test_a_post_whose_host_dies_after_storing_it_is_answered_by_the_other(province):
        found = hosts.dying_before_the_answer(province, 12, 1000)
        assert is_sound(found), found
        assert found["broken"] == 0

    def test_without_its_guards_that_is_seen(province):
        found = hosts.dying_before_the_answer(province, 12, 2000, without="proxy_next_upstream error non_idempotent;")
        assert found["text lost"]
        assert hosts.dying_before_the_answer(province, 12, 3000, "forgets_tokens")["duplicates"]

    def test_an_act_shows_on_the_other_host_within_a_second(province):
        world, both, _ = province
        assert min(hosts.shown_within(world, both, 2)["other host"]) <= 1

    def test_hosts_count_together(province):
        world, both, _ = province
        [host.restart() for host in both]
        assert hosts.first_asked(world, both, 100) == throttle.HASTY + 1
        [host.restart(hosts.CARELESS.format("counts_alone")) for host in both]
        assert hosts.first_asked(world, both, 110) is None

    def test_nothing_depends_on_redis(province):
        world, both, redis = province
        careful, careless = both
        careful.restart()
        careless.restart(hosts.CARELESS.format("counts_in_the_cache"))
        assert [hosts.post(world, host.port, 120)[0] for host in both] == [303, 303]
        redis.kill()
        assert [hosts.post(world, host.port, 121)[0] for host in both] == [303, 500]
        redis.start()
        assert hosts.post(world, careful.port, 122)[0] == 303
