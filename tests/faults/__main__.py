"""The full forms: `python -m tests.faults DRIVER|all [--database …] [--posts N] …`, see --help."""

import argparse
import os
import signal
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.settings")

from portal import keys

os.environ |= {name: os.environ.get(name, key) for name, key in keys.generate().items()}

from tests.faults import crash, crowding, hosts, installing, keeping, malformed, outages, report, rewinding, syncing
from tests.faults.world import DATABASES, World


def run_crash(database: str, options) -> None:
    report.keep("crash campaign", crash.campaign(database, options.posts, options.clients, pace=options.pace))


def run_points(database: str, options) -> None:
    with World(database) as world:
        found = world.inside("points", options.hits)
        log = world.inside("ledger")["log"]
        extra = sum(world.mailhost.count().values()) - len(world.mailhost.count())
    report.keep("failpoints", found | {"log": log, "mails twice": extra}, database=database, hits=options.hits)


def run_guessing(database: str, options) -> None:
    with World(database) as world:
        report.keep("guessing", world.inside("guessing", options.guesses, options.rounds), database=database)


def run_sync(database: str, options) -> None:
    report.keep("sync order", {"order": " → ".join(syncing.order(database))}, database=database)


def run_outages(database: str, options) -> None:
    with World(database) as world:
        world.web()
        for seconds in (5, 30):
            report.keep(f"database locked for {seconds} s", outages.lock(world, seconds), database=database)
    if database == "postgresql":
        for option in ("fsync=off", "synchronous_commit=off"):
            report.keep(f"PostgreSQL with {option}", {"gunicorn ends with": outages.refused(option)[0]})
        for how in ("kill", "immediate", "fast"):
            report.keep(f"PostgreSQL stopped under load: {how}", outages.postgres_killed(options.posts // 20, how=how))
        report.keep("control: PostgreSQL answers before its log is on the disk", outages.taken_back())
        report.keep("PostgreSQL's disk full", outages.postgres_disk_full())
    else:
        report.keep("mail server hangs for one recipient", outages.hanging_for_one(20))
        report.keep("disk full", outages.disk_full())
        report.keep("mail server silent, then slow", outages.silent_mailhost(20))


def run_hosts(database: str, options) -> None:
    if database != "postgresql":
        return
    with hosts.province() as province:
        posts, world, both = options.posts // 20, *province[:2]
        report.keep("a host killed under load", hosts.killed_under_load(province, posts, options.clients))
        report.keep("a host dies before every third answer", hosts.dying_before_the_answer(province, 60, 100_000))
        [host.restart() for host in both]
        report.keep("seconds until an act shows", hosts.shown_within(world, both, 10))
        report.keep("hosts count together", {"asked first": hosts.first_asked(world, both, 100)})


def run_crowding(database: str, options) -> None:
    posts = options.posts // 50
    with crowding.site(database) as world:
        crawled = crowding.crowded(world, posts, 20, crowding.Crawler, 200)
        report.keep("200 slow clients", crawled, database=database)
        flooded = crowding.crowded(world, posts, 20, crowding.Flood, 40, first=100_000)
        report.keep("40 who flood", flooded, database=database)


def run_inputs(database: str, options) -> None:
    with World(database) as world:
        report.keep("hostile input", world.inside("inputs", options.inputs), database=database)
        world.web()
        report.keep("malformed requests", malformed.campaign(world.port, options.inputs // 10), database=database)


def run_keeping(database: str, options) -> None:
    stored, posts = options.posts // 2, options.posts // 50
    report.keep("backup under load", keeping.backup(database, stored, posts), database=database)
    report.keep("keys changed under load", keeping.rotate(database, stored // 5, posts), database=database)


def run_moving(database: str, options) -> None:
    with World(database) as world:
        report.keep("migrations", world.inside("moving", options.rows), database=database)


def run_install(database: str, options) -> None:
    report.keep("installed from wheels", installing.campaign())


def run_rewind(database: str, options) -> None:
    if database == "postgresql":
        report.keep("back at a point in time", rewinding.campaign(50, 50), database=database)


DRIVERS = {
    "rewind": run_rewind,
    "install": run_install,
    "moving": run_moving,
    "keeping": run_keeping,
    "inputs": run_inputs,
    "crash": run_crash,
    "points": run_points,
    "guessing": run_guessing,
    "sync": run_sync,
    "outages": run_outages,
    "hosts": run_hosts,
    "crowding": run_crowding,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("driver", choices=[*DRIVERS, "all"])
    parser.add_argument("--database", choices=DATABASES, action="append", help="both when none is named")
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pace", type=float, default=3.1, help="seconds between opening a form and sending it")
    parser.add_argument("--rows", type=int, default=50_000, help="rows of each table that is migrated")
    parser.add_argument("--hits", type=int, default=200, help="deaths at each failpoint")
    parser.add_argument("--guesses", type=int, default=102_000)
    parser.add_argument("--rounds", type=int, default=2_000, help="timed answers of each kind")
    parser.add_argument(
        "--inputs", type=int, default=20_000, help="hostile requests to all routes; a tenth as malformed HTTP"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    for database in options.database or DATABASES:
        for name in DRIVERS if options.driver == "all" else [options.driver]:
            DRIVERS[name](database, options)


if __name__ == "__main__":
    main()
