"""verify_log: this database's log, a saved one, that of a site; the first entry that does not fit is named."""

import io

import pytest
from django.core.management import CommandError, call_command

from notices import transparency
from notices.management.commands import verify_log
from notices.models import Checkpoint, Edition, LogEntry
from tests.make import make_notice, withdraw
from tests.test_append_only import without_guards
from tests.test_log_tampering import CASES, EDITED, GOOD, KEY, SHORT
from tests.test_verify_script import Site, site  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options) -> str:
    out = io.StringIO()
    call_command("verify_log", *arguments, stdout=out, **options)
    return out.getvalue()


def refused(status: int, *arguments: str, **options) -> str:
    with pytest.raises(CommandError) as refusal:
        run(*arguments, **options)
    assert refusal.value.returncode == status, refusal.value
    return str(refusal.value)


def three_lines() -> None:
    make_notice()
    withdraw(make_notice(title="第二份", tasks=[]))


# ---- the own database


def test_the_own_log_fits():
    three_lines()
    assert f"核验通过：3 条记录与检查点 {Checkpoint.objects.newest()} 一致" in run()


def test_a_tampered_line_is_named():
    three_lines()
    row = LogEntry.objects.filter(sequence=1)
    with without_guards():
        row.update(line=row.get().line.replace('"edition":1', '"edition":2'))
    assert "序号 1 的记录不符：与检查点的根哈希不符" in refused(1)
    with without_guards():
        row.update(line="{}")
    assert "序号 1 的记录不符" in refused(1)


def test_a_row_that_does_not_fit_its_line_is_named():
    three_lines()
    with without_guards():
        Edition.objects.filter(sequence=1).update(title="改过")
    assert "第 1 版（日志序号 1）" in refused(1)


def test_lines_that_wait_for_their_signature_are_left_out(settings):
    make_notice()
    settings.LOG_SIGNER = "external"
    make_notice(title="第二份", tasks=[])
    assert "核验通过：1 条记录" in run()


def test_what_somebody_kept_is_compared(tmp_path):
    three_lines()
    kept = Checkpoint.objects.get(size=2)
    (tmp_path / "kept").write_text(kept.note)
    run(held=[str(kept), str(tmp_path / "kept")])
    assert "旧检查点" in refused(1, held=["2:" + "A" * 16])
    assert "读不了" in refused(2, held=[str(tmp_path / "nothing")])


def test_without_anything_signed_there_is_nothing_to_say():
    assert "还没有签名的记录" in refused(2)


def test_a_site_that_moved_fits(settings):
    three_lines()
    settings.LOG_VERIFIER_KEY = transparency.verifier_key("elsewhere.example", settings.LOG_SIGNING_KEY)
    assert "3" in run()


def test_another_key_does_not_fit():
    three_lines()
    stranger = transparency.verifier_key("testserver", transparency.make_signing_key())
    assert "公钥" in refused(1, key=[stranger])
    assert "不是有效的核验公钥" in refused(2, key=["abc"])


def test_a_damaged_checkpoint_is_named():
    three_lines()
    with without_guards():
        Checkpoint.objects.filter(size=3).update(note="damaged")
    assert "核验不通过。检查点" in refused(1)


# ---- a saved log


def saved(folder, case) -> dict:
    """The case as files, and as options."""
    (folder / "entries").write_bytes(b"".join(line + b"\n" for line in case.lines))
    (folder / "checkpoint").write_bytes(case.signed)
    held = []
    for number, kept in enumerate(case.held):
        if isinstance(kept, bytes):
            (folder / f"held{number}").write_bytes(kept)
        held.append(kept if isinstance(kept, str) else str(folder / f"held{number}"))
    return {"checkpoint": str(folder / "checkpoint"), "key": list(case.keys), "held": held}


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].editions])
def test_a_saved_log_fits_or_its_first_wrong_entry_is_named(name, tmp_path):
    case = CASES[name]
    options = saved(tmp_path, case)
    if case.fits:
        assert "核验通过" in run(str(tmp_path / "entries"), **options)
        return
    says = refused(1, str(tmp_path / "entries"), **options)
    assert says.startswith("核验不通过。")
    if case.at is not None:
        assert f"序号 {case.at} 的记录不符" in says
    if case.among:
        assert f"序号 {case.among[0]} 至 {case.among[1] - 1} 的记录" in says


def test_a_saved_log_of_this_site_needs_no_key(tmp_path, client):
    three_lines()
    (tmp_path / "entries").write_bytes(client.get("/log/entries").content)
    (tmp_path / "checkpoint").write_bytes(client.get("/log/checkpoint").content)
    run(str(tmp_path / "entries"), checkpoint=str(tmp_path / "checkpoint"))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["entries"], {}),
        (["nothing"], {"checkpoint": "checkpoint"}),
        (["entries"], {"checkpoint": "nothing"}),
        (["file:///etc/passwd"], {}),
        (["file:///etc/passwd"], {"checkpoint": "checkpoint"}),
        (["http://127.0.0.1:9"], {}),
        (["http://[::1"], {}),
        (["bad\0name"], {"checkpoint": "checkpoint"}),
    ],
)
def test_what_cannot_be_read_is_neither_good_nor_bad(arguments, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, CASES["good"])
    assert "核验不通过" not in refused(2, *arguments, **options)


# ---- a site


@pytest.mark.parametrize(("lines", "fits"), [(GOOD, True), (EDITED, False), (GOOD[:30], False), ([], False)])
def test_a_site_is_read_page_by_page(site, monkeypatch, lines, fits):  # noqa: F811
    monkeypatch.setattr(Site, "lines", lines)
    if fits:
        assert "核验通过：58 条记录" in run(site + "/", key=[KEY], held=[SHORT])
    else:
        assert "核验不通过" in refused(1, site, key=[KEY])
    assert "读不了" in refused(2, site + "/elsewhere", key=[KEY])


@pytest.mark.parametrize(("limit", "value"), [("LARGEST", 100), ("PATIENCE", -1)])
def test_a_site_that_never_ends_is_given_up(site, monkeypatch, limit, value):  # noqa: F811
    monkeypatch.setattr(verify_log, limit, value)
    assert "太慢或太长" in refused(2, site, key=[KEY])


def test_the_own_site_is_read_over_http(live_server, settings):
    three_lines()
    assert "核验通过：3 条记录" in run(live_server.url)
    settings.LOG_VERIFIER_KEY = transparency.verifier_key("testserver", transparency.make_signing_key())
    assert "公钥" in refused(1, live_server.url)
