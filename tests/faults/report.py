"""Results of the drivers: appended to one JSON under var/, printed as a table."""

import datetime
import json
import os

from .processes import ROOT

PLACE = ROOT / "var" / "faults.json"


def keep(name: str, findings: dict, **known) -> None:
    """Append one run, with when it was and how busy the machine was."""
    PLACE.parent.mkdir(exist_ok=True)
    runs = json.loads(PLACE.read_text()) if PLACE.exists() else []
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    runs.append({"run": name, "at": at, "load": round(os.getloadavg()[0], 1), **known, "findings": findings})
    PLACE.write_text(json.dumps(runs, ensure_ascii=False, indent=1) + "\n")
    print(table(name, known | findings))


def table(name: str, findings: dict) -> str:
    """Markdown: a line for each figure; figures of figures are flattened."""
    lines = [f"\n### {name}\n", "| what | found |", "|---|---|"]
    for what, found in findings.items():
        if isinstance(found, dict):
            found = ", ".join(f"{key} {short(value)}" for key, value in found.items())
        lines.append(f"| {what} | {short(found)} |")
    return "\n".join(lines)


def short(found) -> str:
    """A list of defects as its length and its first few."""
    if isinstance(found, list) and (not found or not isinstance(found[0], float)):
        return f"{len(found)}" + (f": {', '.join(map(str, found[:5]))}" if found else "")
    return str(found)
