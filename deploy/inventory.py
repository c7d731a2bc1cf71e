"""What is installed to run the portal: `sbom.json` (CycloneDX 1.6) and `licences.md`, written to var/.

Reads the lock file and the metadata of the installed packages; asks nothing of anybody's server.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
UNKNOWN = "not stated"


def locked(text: str) -> dict[str, tuple[str, list[str]]]:
    """Name → version and SHA-256 digests, as a lock file has them."""
    starts = [*PIN.finditer(text)]
    ends = [found.start() for found in starts[1:]] + [len(text)]
    return {
        found[1].lower(): (found[2], re.findall(r"sha256:([0-9a-f]{64})", text[found.start() : end]))
        for found, end in zip(starts, ends, strict=True)
    }


def licence(name: str) -> str:
    """The licence as the package states it: an expression, a classifier, or the first line of its field."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    classified = [each.split(" :: ")[-1] for each in said.get_all("Classifier", []) if each.startswith("License")]
    written = (said.get("License") or "").strip().partition("\n")[0][:80]
    return said.get("License-Expression") or "; ".join(classified) or written or UNKNOWN


def sbom(packages: dict) -> dict:
    """The lock file as CycloneDX."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "rectification-portal", "version": "1.0"}},
        "components": [component(name, *pinned) for name, pinned in packages.items()],
    }


def component(name: str, version: str, digests: list[str]) -> dict:
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [{"license": {"name": licence(name)}}],
        # One digest for each file of the package: a component has one, so the others stand as properties.
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests[:1]],
        "properties": [{"name": "portal:sha256", "value": digest} for digest in digests],
    }


def licences(packages: dict) -> str:
    lines = ["| package | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {version} | {licence(name)} |" for name, (version, _) in packages.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    packages, out = locked(LOCK.read_text()), ROOT / "var"
    out.mkdir(exist_ok=True)
    (out / "sbom.json").write_text(json.dumps(sbom(packages), ensure_ascii=False, indent=1) + "\n")
    (out / "licences.md").write_text(licences(packages))
    sys.stdout.write(f"{len(packages)}: var/sbom.json, var/licences.md\n")


if __name__ == "__main__":
    main()
