"""Take pictures of the page that ``asr serve`` gives, for the documentation.

    asr serve --port 8000 &
    python scripts/page_screenshots.py --address http://localhost:8000/ --output docs

The script writes ``page-wide.png``, a window of 1440 pixels with transcripts of files, and
``page-narrow.png``, a dark one of 390 pixels with live captions: the microphone plays recordings of
``samples/``. It needs chromium and pillow.
"""

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SAMPLES = Path(__file__).parent.parent / "samples"
HEARD = ("flite-slt-spelled-name.wav", "flite-awb-date.wav", "flite-rms-phone-number.wav")
SHOWN = ("flite-slt-control-digits.wav", "espeak-en-us-number.wav", "flite-slt-spelled-name.wav")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", required=True, help="the address of a server")
    parser.add_argument("--output", type=Path, required=True, help="the folder of the pictures")
    options = parser.parse_args(arguments)
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: chromium is not on the path; try apt install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        heard = Path(folder, "name-date-number.wav")
        write_joined(heard)
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={heard}%noloop",
            ],
        )
        page = open_page(browser, options.address, 1440, 1000, "light")
        page.set_input_files("input[type=file]", [SAMPLES / name for name in SHOWN])
        page.get_by_text(f"{len(SHOWN)} transcripts").wait_for()
        page.set_input_files("input[type=file]", [heard])
        page.locator(".entry.open .wave").first.wait_for()
        page.wait_for_timeout(500)  # for the waves of all lines
        save(page, options.output / "page-wide.png")
        page = open_page(browser, options.address, 390, 600, "dark")
        page.get_by_role("button", name="Record", exact=True).click()
        page.locator(".finals p").nth(1).wait_for()
        page.get_by_text("four one two five").wait_for()
        save(page, options.output / "page-narrow.png")
        browser.close()


def write_joined(path: Path) -> None:
    """Write the recordings that the microphone plays, with pauses between them."""
    sounds = [soundfile.read(SAMPLES / name) for name in HEARD]
    rate = sounds[0][1]
    pause = np.zeros(rate)
    parts = [part for sound, _ in sounds for part in (pause, sound)]
    soundfile.write(path, np.concatenate([*parts, pause]), rate, subtype="PCM_16")


def open_page(browser: Browser, address: str, width: int, height: int, theme: str) -> Page:
    """Open the page in a window of this size."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.goto(address)
    page.wait_for_selector("main:not([aria-busy])")
    return page


def save(page: Page, path: Path) -> None:
    """Write a picture with 128 colours, which is half as large as one with all."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
