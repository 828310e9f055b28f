"""Pictures of a report at two widths, for the README.

    asr evaluate --manifest data/an4/test.jsonl --model recipes/an4/model -o runs/an4-report
    python scripts/screenshots.py --report runs/an4-report/report.html --output recipes/an4

Writes ``report-wide.png`` and ``report-narrow.png``, what a window of 1440 and of 390 pixels shows
first. Needs chromium.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WINDOWS = {"wide": (1440, 1000), "narrow": (390, 844)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: needs chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in WINDOWS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(options.report.absolute().as_uri())
            page.wait_for_load_state("load")
            page.screenshot(path=options.output / f"report-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
