"""Take pictures of a report at two widths, for the README.

    asr evaluate --manifest data/an4/test.jsonl --model recipes/an4/model -o runs/an4-report
    python scripts/screenshots.py --report runs/an4-report/report.html --output recipes/an4

The script writes ``report-wide.png`` and ``report-narrow.png``. They show the top of the report in
windows that are 1440 and 390 pixels wide. It needs chromium.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WINDOWS = {"wide": (1440, 1000), "narrow": (390, 844)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, required=True, help="report.html of asr evaluate")
    parser.add_argument("--output", type=Path, required=True, help="the folder of the pictures")
    options = parser.parse_args(arguments)
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: chromium is not on the path; try apt install chromium")
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
