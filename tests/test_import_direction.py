"""portal → objections → notices, and downwards within an app: no module imports upward, not even inside a function."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["notices", "objections", "portal"]  # each may import those before it
# Within an app, from the ground up. What is not listed (admin, management, migrations …) stands on top.
LAYERS = {
    "notices": [
        "windows",
        "transparency",
        "documents",
        "attachments",
        "pictures",
        "stamp",
        "clamd",
        "stored",
        "models",
        "sweeping",
        "mail",
        "importing",
        "snapshots",
        "views",
        "feeds",
        "urls",
    ],
    "objections": [
        *("encryption", "receipts", "vault", "models"),
        *("uploads", "outcomes", "statements", "forms", "views", "urls"),
    ],
}


PURE = [*(ROOT / "notices/documents").glob("*.py"), *(ROOT / "notices/transparency").glob("*.py")]


def modules(app: str) -> list[Path]:
    return [path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def imported(path: Path) -> set[str]:
    """Absolute dotted names of everything that the module imports, at any depth."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            stem = ".".join(filter(None, [base, node.module or ""]))
            names |= {stem, *(f"{stem}.{alias.name}" for alias in node.names)}
    return names


def upward(app: str, path: Path) -> set[str]:
    above = APPS[APPS.index(app) + 1 :]
    return {name for name in imported(path) if name.split(".")[0] in above}


def layer(app: str, parts) -> int | None:
    return LAYERS[app].index(parts[0]) if parts and parts[0] in LAYERS[app] else None


@pytest.mark.parametrize("app", APPS)
def test_no_app_imports_one_above_it(app):
    found = {str(path.relative_to(ROOT)): names for path in modules(app) if (names := upward(app, path))}
    assert found == {}


@pytest.mark.parametrize("app", LAYERS)
def test_no_layer_imports_one_above_it(app):
    wrong = []
    for path in modules(app):
        own = layer(app, path.relative_to(ROOT / app).with_suffix("").parts)
        for name in imported(path):
            parts = name.split(".")
            other = layer(app, parts[1:]) if parts[0] == app else None
            if own is not None and other is not None and other > own:
                wrong.append((str(path.relative_to(ROOT)), name))
    assert wrong == []


def test_documents_and_windows_know_no_database():
    for path in [*(ROOT / f"notices/{name}.py" for name in ("windows", "attachments", "pictures")), *PURE]:
        frame = {name for name in imported(path) if name.startswith("django")}
        assert not {name for name in frame if not name.startswith("django.utils.translation")}, path


def test_an_upward_import_inside_a_function_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    module = tmp_path / "notices" / "views.py"
    module.parent.mkdir()
    module.write_text("def f():\n    from objections.models import Objection\n    from . import urls\n")
    assert upward("notices", module) == {"objections.models", "objections.models.Objection"}
    assert "notices.urls" in imported(module)
