"""How fast the main pages come over a slow telephone line, measured in Chromium with an empty cache.

    python -m tests.browser.speed [--site http://127.0.0.1:8000]

150 ms a round trip, 1.6 Mbit/s down, 750 kbit/s up; prints first contentful paint, layout shift, bytes and requests.
"""

import argparse
import shutil

from playwright.sync_api import Browser, sync_playwright

from tests.browser.screenshots import QUIET, main_pages

LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
WATCH = """
window.shift = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shift += one.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
READ = """() => {
  const files = [performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")];
  return {
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    shift: window.shift,
    bytes: files.reduce((sum, one) => sum + one.transferSize, 0),
    requests: files.length,
  };
}"""


def measure(browser: Browser, address: str, width: int = 390, height: int = 844) -> dict:
    """The figures of one first visit: `paint` in milliseconds, `shift`, `bytes` and `requests`."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", LINE)
    page.add_init_script(WATCH)
    page.goto(address, wait_until="networkidle")
    figures = page.evaluate(READ)
    context.close()
    return figures


def run() -> None:
    parser = argparse.ArgumentParser(description="First visits over a slow line, from a running demo.")
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    site = parser.parse_args().site.rstrip("/")
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for name, address in main_pages(browser.new_page(), site).items():
            figures = measure(browser, site + address)
            print(
                f"{name:18} {figures['paint']:6.0f} ms  shift {figures['shift']:.3f}"
                f"  {figures['bytes'] / 1000:6.1f} kB  {figures['requests']} requests"
            )
        browser.close()


if __name__ == "__main__":
    run()
