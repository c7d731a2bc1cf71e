"""The English catalogue: what the pages say, found in templates and code, and whether it is translated.

    python -m tests.catalogue

adds new sentences to portal/locale/en/LC_MESSAGES/django.po with an empty translation, drops those that nobody says any
more, writes django.mo beside it, and lists what is still to translate.
"""

import ast
import os
import re
from pathlib import Path

import django
import polib

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "portal/locale/en/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
MARKS = ROOT / "portal/locale/zh_Hans/LC_MESSAGES/django.po"  # what Django itself sets in western marks
STAFF = ("templates/admin/", "templates/mail/", "templates/typst/")
STAFF_PAGES = {
    "templates/notices/preview.html",
    "templates/objections/outcome.html",
    "templates/objections/_figure.html",
    "templates/objections/case_file.html",
}
PRINTED = {"templates/notices/_document.html"}  # the notice itself, which stays in its language
WITHOUT_TAGS = {"templates/unavailable.html"}  # read as it is when nothing else works
CODE = (
    "notices/attachments.py",
    "notices/clamd.py",
    "notices/forms.py",
    "notices/list_views.py",
    "notices/privacy.py",
    "notices/subscribe_views.py",
    "objections/forms.py",
    "objections/views.py",
    "objections/tracking.py",
    "objections/throttle.py",
    "objections/models/objector.py",
)
SAID = re.compile(r'{% translate "([^"]*)"|_\("([^"]*)"\)')
SENTENCE = re.compile(r"{% blocktranslate.*?%}(.*?){% endblocktranslate %}", re.S)


def public_templates() -> list[Path]:
    found = sorted((ROOT / "templates").rglob("*.html"))
    names = {path: path.relative_to(ROOT).as_posix() for path in found}
    skipped = STAFF_PAGES | PRINTED | WITHOUT_TAGS
    return [path for path, name in names.items() if name not in skipped and not name.startswith(STAFF)]


def of_template(source: str) -> set[str]:
    """The sentences of a template that are looked up in the catalogue."""
    sentences = [re.sub(r"{{ (\w+) }}", r"%(\1)s", text.replace("%", "%%")) for text in SENTENCE.findall(source)]
    return {*sentences, *((one or other).replace("%", "%%") for one, other in SAID.findall(source))}


def untranslatable(source: str) -> list[str]:
    """What a template says in Chinese past the catalogue; names of columns are for the State's monitor alone."""
    rest = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<meta[^>]*>", "", source, flags=re.S)
    rest = SAID.sub("", SENTENCE.sub("", rest))
    return re.findall(r"[\u4e00-\u9fff][^<>{}]*", rest)


def of_code(source: str) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_"]
    return {call.args[0].value for call in named if isinstance(call.args[0], ast.Constant)}


def labels() -> set[str]:
    """The words of choices that the pages look up one by one."""
    from notices.attachments import KINDS, LIMITS
    from notices.models import InspectionRound, RectificationTask, Stage, State
    from notices.models.log import ACTS
    from objections.models import Event, Objection, Status
    from objections.models.objector import STEPS_AHEAD

    kinds = (State, Stage, Status, InspectionRound.Level, InspectionRound.Kind, RectificationTask.Kind, Event.Kind)
    words = {str(label) for kind in (*kinds, Objection.Kind, Objection.Finding) for label in kind.labels}
    return words | {*ACTS.values(), LIMITS, KINDS["docx"], KINDS["xlsx"]} | {step for _, step, _ in STEPS_AHEAD}


def sentences() -> set[str]:
    """Everything that needs an English translation."""
    said = labels()
    for path in public_templates():
        said |= of_template(path.read_text())
    for name in CODE:
        said |= of_code((ROOT / name).read_text())
    return said


def update() -> list[str]:
    """Bring the catalogue up to date; what is still to translate."""
    catalogue = polib.pofile(str(PO))
    said = sentences()
    known = {entry.msgid: entry for entry in sorted(catalogue, key=lambda entry: bool(entry.msgstr))}
    catalogue[:] = [entry for entry in known.values() if entry.msgid in said]
    for sentence in sorted(said - set(known)):
        catalogue.append(polib.POEntry(msgid=sentence, flags=["python-format"] if "%(" in sentence else []))
    catalogue.sort(key=lambda entry: entry.msgid)
    catalogue.save()
    catalogue.save_as_mofile(str(MO))
    polib.pofile(str(MARKS)).save_as_mofile(str(MARKS.with_suffix(".mo")))
    return [entry.msgid for entry in catalogue.untranslated_entries()]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    print(*update(), sep="\n")
