"""The crash campaign: many post while web and mail workers are killed and the mail server comes and goes."""

import random
import threading
import time

from .citizens import Crowd
from .judging import judge
from .world import World

ALL_OUT = 300  # seconds after the mail server's return


def campaign(
    database: str,
    posts: int,
    clients: int = 50,
    *,
    pace: float = 0.0,
    application: str = "tests.faults.warm:application",
    workers: int = 2,
    every: float = 1.0,
    seed: int = 4,
    waits: bool = True,
    mails: bool = True,
) -> dict:
    """What became of `posts` objections. A web worker is killed after `every` seconds, the mail worker after twice as
    many; the mail server is away every other five seconds. With `waits` the mails go out by the clock, otherwise by one
    that is an hour ahead; without `mails` there is no mail worker."""
    with World(database) as world:
        web = world.web(application, workers)
        mail = world.worker() if mails else None
        chance, started = random.Random(seed), time.monotonic()
        crowd = Crowd(world, posts, clients, pace).start()
        kills = _trouble(world, crowd, web, mail, every, chance)
        crowd.join()
        took, settled = time.monotonic() - started, None
        if not world.mailhost.controller:
            world.mailhost.up()
        if mail and waits:
            settled = world.settle(ALL_OUT)
        if mail:
            mail.end()
            world.processes.remove(mail)
        if not waits:
            world.inside("drain")
        findings = judge(crowd.receipts, world.inside("ledger"), world.mailhost, kills["mail"])
    known = {"database": database, "posts": posts, "clients": clients, "seed": seed, "seconds": round(took)}
    known |= {"web kills": kills["web"], "mail kills": kills["mail"], "given up": len(crowd.given_up)}
    known |= {"all mail out after (s)": settled and round(settled)} if waits else {}
    return known | findings | crowd.seen()


def _trouble(world, crowd, web, mail, every: float, chance) -> dict:
    """Kill and cut off until everybody has what they came for. Returns how often each was killed."""
    kills, away = {"web": 0, "mail": 0}, threading.Event()
    turn = 0
    while crowd.busy:
        time.sleep(every)
        turn += 1
        kills["web"] += web.kill_a_child(chance)
        if mail and turn % 2 == 0:
            kills["mail"] += mail.kill_a_child(chance)
        if mail and turn % 5 == 0:
            (world.mailhost.up if away.is_set() else world.mailhost.down)()
            (away.clear if away.is_set() else away.set)()
    return kills
