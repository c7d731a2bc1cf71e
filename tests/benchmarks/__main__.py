"""Runs the named benchmarks, all without a name; exit code 1 when a bar is missed."""

import argparse
import dataclasses
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

from . import plot
from .frame import VAR

BY_HAND = {"million"}  # only when it is named
NO_BENCHMARKS = {"__main__", "frame", "bare", "formal", "plot", "reference"}


def names() -> list[str]:
    modules = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return [name for name in modules if name not in NO_BENCHMARKS]


def run(name: str, small: bool) -> bool:
    """Measure, print, keep. Whether every bar is reached."""
    print(f"\n{name}")
    found = []
    for figure in importlib.import_module(f"tests.benchmarks.{name}").figures(small):
        print(figure, flush=True)
        found.append(figure)
    VAR.mkdir(parents=True, exist_ok=True)
    kept = [dataclasses.asdict(figure) | {"holds": figure.holds} for figure in found]
    (VAR / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    return all(figure.holds is not False for figure in found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names()], metavar="NAME", help="、".join(names()))
    parser.add_argument("--small", action="store_true", help="a tenth of the rows: shows that it runs, proves nothing")
    parser.add_argument(
        "--wagtail", metavar="PYTHON", help="an interpreter that has wagtail, for the benchmark of that name"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw what growth found; alone: found the last time")
    options = parser.parse_args()
    if options.wagtail:
        os.environ["WAGTAIL_PYTHON"] = options.wagtail
    django.setup()
    usual = [name for name in names() if name not in BY_HAND and (name != "wagtail" or options.wagtail)]
    reached = [run(name, options.small) for name in options.names or ([] if options.plot else usual)]
    if options.plot:
        plot.draw(options.plot)
    sys.exit(not all(reached))


if __name__ == "__main__":
    main()
