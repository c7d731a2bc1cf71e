"""Pictures of the workplace for the staff handbook, from a running demo, small enough to be kept with the code.

    python -m tests.browser.handbook PASSWORD [--site http://127.0.0.1:8000]

Writes static/portal/handbook/<name>.webp; names are those of portal/handbook.toml.
"""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.screenshots import QUIET

OUT = Path(__file__).parents[2] / "static/portal/handbook"
SEEN, KEPT = {"width": 1200, "height": 744}, (1000, 620)
MOST = 80 * 1024
NOTICES, CASES = "/admin/notices/publicitynotice/", "/admin/objections/objection/"
# name: who, the list or page, the link on it that leads to the picture
SCREENS = {
    "draft": ("bianji", f"{NOTICES}?state=working", "#result_list tbody th a"),
    "plan": ("bianji", "/admin/notices/rectificationtask/intake/", ""),
    "review": ("shenhe", f"{NOTICES}?state=review", "#result_list tbody th a"),
    "case": ("yiyi", f"{CASES}?queue=accepted", "#result_list tbody th a"),
    "task": ("shenhe", "/admin/notices/rectificationtask/?stage=publicity_ended", "#result_list tbody th a"),
    "staff": ("danwei", "/admin/auth/user/", ""),
}


def log_in(page: Page, site: str, user: str, password: str) -> None:
    page.goto(f"{site}/admin/login/")
    page.fill("#id_username", user)
    page.fill("#id_password", password)
    page.click("[type=submit]")
    page.wait_for_url(f"{site}/admin/")


def small(picture: bytes) -> bytes:
    """The picture as WebP of at most MOST bytes."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").resize(KEPT)
    for quality in range(80, 10, -10):
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MOST:
            return file.getvalue()
    raise ValueError("too large at any quality")


def take(site: str, password: str) -> None:
    OUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        for name, (user, url, link) in SCREENS.items():
            page = browser.new_context(viewport=SEEN, locale="zh-CN").new_page()
            log_in(page, site, user, password)
            page.goto(site + url)
            if link:
                page.locator(link).first.click()
                page.wait_for_load_state()
            (OUT / f"{name}.webp").write_bytes(small(page.screenshot()))
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.handbook", description=__doc__)
    parser.add_argument("password", help="of the demo's staff")
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    options = parser.parse_args()
    take(options.site, options.password)


if __name__ == "__main__":
    main()
