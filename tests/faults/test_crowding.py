"""Slow clients and a flood behind deploy/nginx.conf: citizens in between read and post as ever."""

import pytest
from django.db import connection

from tests.front import NGINX

from . import crowding
from .outages import is_sound

if connection.vendor == "sqlite":

    @pytest.fixture(scope="module")
    def world():
        if not NGINX:
            pytest.skip("no nginx on this machine")
        with crowding.site("sqlite") as world:
            yield world

    def test_a_hundred_who_crawl_hold_up_nobody(world):
        found = crowding.crowded(world, 12, 4, crowding.Crawler, 100, pace=0)
        assert is_sound(found), found
        assert (found["acknowledged"], found["broken"], set(found["read"])) == (12, 0, {200})

    def test_without_nginx_twenty_would(world):
        assert not crowding.held_up(world, world.port, 20)
        assert crowding.held_up(world, world.ports[0], 20)

    def test_a_flood_is_slowed_down_and_citizens_are_not(world):
        found = crowding.crowded(world, 12, 4, crowding.Flood, 12, pace=0, first=1000)
        assert is_sound(found), found
        assert (found["acknowledged"], found["broken"], set(found["read"])) == (12, 0, {200})
        allowed = crowding.POSTS_A_SECOND * crowding.ADDRESSES * (found["seconds"] + 3)
        assert 0 < found["posts of the flood"] <= allowed
