"""Pictures of the main pages, on a telephone and on a desktop, from a running demo.

    python -m tests.browser.screenshots OUT [--site http://127.0.0.1:8000] [--dark]

Writes OUT/<page>-phone.png and OUT/<page>-desktop.png, and OUT/notice.pdf as it comes out of the printer.
"""

import argparse
import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
QUIET = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]


def find(page: Page, site: str, url: str, pattern: str) -> str | None:
    """The first link on the page at `url` whose address matches."""
    page.goto(site + url)
    links = page.locator("main a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    return next((link for link in links if link and re.fullmatch(pattern, link)), None)


def main_pages(page: Page, site: str) -> dict[str, str]:
    """Name → address of what is worth a picture. The open notice with most to compare stands for all."""
    page.goto(f"{site}/notices/?state=open")
    links = page.locator(".card-notice a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    rows = dict.fromkeys(links, 0)
    for link in links:
        page.goto(site + link)
        rows[link] = page.locator(".pair").count()
    notice = max(rows, key=rows.get) if rows else None
    closed = find(page, site, "/notices/?state=closed", r"/notices/[\d-]+/")
    withdrawn = find(page, site, "/notices/?state=withdrawn", r"/notices/[\d-]+/")
    round_page = find(page, site, "/rounds/", r"/rounds/[\w-]+/")
    task = find(page, site, round_page, r"/tasks/\d+/") if round_page else None
    wanted = {
        "home": "/",
        "list": "/notices/",
        "notice": notice,
        "notice-closed": closed,
        "notice-withdrawn": withdrawn,
        "form": notice and f"{notice}object/",
        "history": notice and f"{notice}history/",
        "rounds": "/rounds/",
        "round": round_page,
        "task": task,
        "track": "/objections/track/",
        "help": "/help/",
        "home-english": "/en/",
        "notice-elder": notice and f"{notice}?view=elder",
    }
    return {name: address for name, address in wanted.items() if address}


def take(out: Path, site: str, dark: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        pages = main_pages(browser.new_page(), site)
        for size, (width, height) in SIZES.items():
            look = {"viewport": {"width": width, "height": height}, "color_scheme": "dark" if dark else "light"}
            for name, address in pages.items():
                page = browser.new_page(**look)
                page.goto(site + address)
                page.screenshot(path=out / f"{name}-{size}.png", full_page=not name.startswith(("home", "notice")))
            if "form" in pages:
                page = browser.new_page(**look)
                page.goto(site + pages["form"])
                page.get_by_role("button", name="提交异议").click()
                page.screenshot(path=out / f"form-errors-{size}.png", full_page=True)
        if "notice" in pages:
            page = browser.new_page()
            page.goto(site + pages["notice"])
            page.pdf(path=out / "notice.pdf", prefer_css_page_size=True)
        browser.close()


def run() -> None:
    parser = argparse.ArgumentParser(description="Pictures of the main pages from a running demo.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    take(options.out, options.site.rstrip("/"), options.dark)


if __name__ == "__main__":
    run()
