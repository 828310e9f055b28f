"""The page of the server in chromium: captions of a fake microphone, files, editing, downloads."""

import base64
import json
import re
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
import uvicorn
from browsers import PATIENCE, chromium
from commands import run
from conftest import ROOT
from playwright.sync_api import expect
from taggers import make_readable_model

import asr
from asr.display.tokens import Token
from asr.recognition.live import Final
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.recognition.words import Word, join_words
from asr.recognition.writers import render
from asr.serving.answers import verbose
from asr.serving.app import make_app
from asr.serving.page import SCRIPTS
from asr.serving.settings import Settings, digest

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
SPOKEN = ["flite-slt-spelled-name.wav", "flite-slt-control-digits.wav"]
HOSTILE = "<img src=x onerror=alert(1)>.wav"
KEY = "a-key-of-many-letters"


@contextmanager
def serving(**settings):
    """Serve on a free port of this machine, and give the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # The texts of the model in the package are as recognised.
        load = None if "model" in settings else partial(Transcriber, display=False)
        app = make_app(Settings(port=port, **settings), load)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def address():
    """The address of a server that asks for no key."""
    with serving() as address:
        yield address


@pytest.fixture(scope="module")
def readable(tmp_path_factory):
    """A model with a tagger, and the address of its server."""
    model = make_readable_model(tmp_path_factory.mktemp("readable"))
    with serving(model=model) as address:
        yield model, address


@pytest.fixture(scope="module")
def transcriber():
    """The model of the server."""
    return asr.load(display=False)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser whose microphone plays two recordings with a pause of 1.5 s between them."""
    sounds = [soundfile.read(ROOT / "samples" / name) for name in SPOKEN]
    (first, rate), (second, _) = sounds
    pause = np.zeros(3 * rate // 2)
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    parts = [pause, first, pause, second, pause, pause, pause, pause]
    soundfile.write(heard, np.concatenate(parts), rate, subtype="PCM_16")
    with chromium(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    ) as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """A function that opens the page of the server.

    The test fails if the page reports an error that is not ``allowed``, or requests anything from
    elsewhere.
    """
    contexts, complaints = [], []

    def visit(address=address, allowed="(none)", prepare=None, wide=True, **options):
        size = {"width": 1440, "height": 900} if wide else {"width": 390, "height": 844}
        context = browser.new_context(viewport=size, reduced_motion="reduce", **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on(
            "console",
            lambda message: allowed in message.text or complaints.append(message.text),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "dialog",
            lambda dialog: (
                dialog.accept()
                if dialog.type == "beforeunload"
                else complaints.append(dialog.message)
            ),
        )
        own = urlsplit(address).netloc

        def listen(request):
            url = urlsplit(request.url)
            if url.netloc != own and url.scheme not in ("data", "blob"):
                complaints.append(request.url)

        page.on("filechooser", lambda chooser: None)  # else there is a gap between two of them
        page.on("request", listen)
        page.on("websocket", listen)  # which has a url as well
        if prepare:
            prepare(page)
        page.goto(address)
        page.wait_for_selector("main:not([aria-busy])")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def choose(page, *paths):
    """Give the page files, as if they had been chosen."""
    page.set_input_files("input[type=file]", [str(path) for path in paths])


def download(page, name):
    """Return the name and the text of the file that a button gives."""
    with page.expect_download() as saved:
        page.get_by_role("button", name=name, exact=True).click()
    path = saved.value.path()
    return saved.value.suggested_filename, path.read_bytes().decode()


def answer_with(page, transcript):
    """Let the server answer an upload with ``transcript`` in place of its own."""
    body = verbose(transcript, "en", words=True, segments=True, temperature=0.0)
    page.unroute_all()
    page.route("**/v1/audio/transcriptions", lambda route: route.fulfill(json=body))


def transcript_of(*words, duration=9.0, warnings=()):
    """Return a transcript of words, each of them (text, start, end, confidence, …)."""
    made = tuple(Word(*word) for word in words)
    return Transcript(join_words(made), made, duration, "", warnings)


SURE = transcript_of(
    ("enter", 0.1, 0.5, 0.99), ("six", 0.6, 0.9, 0.7), ("too", 1.0, 1.2, 0.3), ("go", 4.0, 4.5, 0.9)
)


def texts(page):
    """Return the words of the open transcript, segment by segment."""
    lines = page.locator(".entry.open .words")
    lines.first.wait_for()
    return [" ".join(line.locator(".text").all_text_contents()) for line in lines.all()]


def test_what_the_page_says_and_allows(visit, address):
    page = visit()
    expect(page.locator(".limits")).to_have_text(
        "This model is for American English letters, digits, numbers, months and a few control "
        "words. It is not for any other words: it answers dictation, conversation or other "
        "languages with letters that sound alike."
    )
    response = page.request.get(address)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|<script>|\son\w+=", response.text())
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Choose files")).to_be_enabled()


def test_captions_of_the_microphone(visit, transcriber):
    page = visit()
    partials = []
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    log, partial = page.get_by_role("log", name="Captions"), page.locator(".partial")
    colors = [
        page.locator(name).evaluate("node => getComputedStyle(node).color")
        for name in (".captions", ".partial")
    ]
    assert colors[0] != colors[1]
    highest = -60
    while len(partials) < 400 and "nine" not in " ".join(log.all_inner_texts()):
        partials.append(partial.text_content())
        highest = max(highest, int(page.get_by_role("meter").get_attribute("aria-valuenow")))
        page.wait_for_timeout(25)
    assert highest > -25, "the meter shows the level"
    finals = log.locator("p").all_text_contents()
    assert finals == ["p e t e r s o n", "enter four two nine"]
    assert any(text and finals[0].startswith(text) for text in partials), partials
    page.get_by_role("button", name="Stop").click()
    entry = page.locator(".entry.open")
    expect(entry.locator(".head .name")).to_contain_text("Recording")
    expect(entry.locator(".word .wave").first).to_be_visible()
    assert texts(page) == finals
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
    name, text = download(page, "Download as txt")
    assert (text, name[-4:]) == ("\n".join(finals) + "\n", ".txt")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the recording as wav").click()
    heard, rate = soundfile.read(saved.value.path())
    assert rate == 16000
    live, updates = transcriber.live(), []
    for begin in range(0, len(heard), 320):
        live.hear(heard[begin : begin + 320].astype(np.float32))
        updates += live.step()
    updates += live.finish()
    assert [update.text for update in updates if isinstance(update, Final)] == finals


def test_twenty_files(visit, transcriber, tmp_path):
    page = visit()
    paths = []
    for number in range(20):
        path = tmp_path / f"{number:02}.wav"
        shutil.copy(SAMPLES[number % len(SAMPLES)], path)
        paths.append(path)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files([str(path) for path in paths])
    expect(page.get_by_role("status").filter(has_text="20 transcripts")).to_be_visible()
    assert page.locator(".head .name").all_text_contents() == [path.name for path in paths]
    wanted = [transcriber.transcribe(path).text for path in paths[: len(SAMPLES)]]
    wanted = [wanted[number % len(SAMPLES)] for number in range(20)]
    assert page.locator(".preview").all_text_contents() == wanted
    _, text = download(page, "Download all as txt")
    assert text == "".join(
        f"{path.name}\t{line}\n" for path, line in zip(paths, wanted, strict=True)
    )


@pytest.mark.parametrize("name", ["plain.wav", HOSTILE, "compressed.mp3", "two sentences.flac"])
def test_downloads_equal_the_command_line(name, visit, tmp_path):
    if name == "two sentences.flac":
        (first, rate), (second, _) = [soundfile.read(ROOT / "samples" / name) for name in SPOKEN]
        sound = np.concatenate([first, np.zeros(2 * rate), second])
        soundfile.write(tmp_path / name, sound, rate)
    elif name == "compressed.mp3":
        sound, rate = soundfile.read(SAMPLES[2])
        soundfile.write(tmp_path / name, sound, rate, format="MP3")
    else:
        shutil.copy(SAMPLES[1], tmp_path / name)
    page = visit()
    choose(page, tmp_path / name)
    expect(page.locator(".entry.open .segments")).to_be_visible()
    expect(page.locator(".head .name")).to_have_text(name)
    assert page.locator("img").count() == 0
    result = run("transcribe", name, "--verbatim", "-f", "all", "-o", "out", cwd=tmp_path)
    assert result.returncode == 0
    for format in ("txt", "srt", "vtt", "json"):
        saved, text = download(page, f"Download as {format}")
        assert text == (tmp_path / "out" / f"{Path(name).stem}.{format}").read_text(), saved


def odd_tokens(transcript, rng):
    """Return tokens with odd texts, each of which stands for up to three words of a segment."""
    tokens, first = [], 0
    for segment in transcript.segments:
        end = first + len(segment.words)
        while first < end:
            last = min(end, first + int(rng.integers(1, 4)))
            text = str(rng.choice(["Go.", "<i>,", "-->", "Yes –", '"42"', "𝄞!"]))
            tokens.append(Token(text, first, last))
            first = last
    return tuple(tokens)


@pytest.mark.parametrize("is_readable", [False, True], ids=["raw", "readable"])
def test_downloads_of_odd_transcripts_equal_the_writers(is_readable, visit, tmp_path):
    """Texts with markup, arrows and quotes, words without spaces, times that touch."""
    rng = np.random.default_rng(5)
    lengths = [0.1, 0.3, 1.0] if is_readable else [0.0, 0.0005, 0.3, 1.0]
    parts = ["go", "<b>", "a-->b", "&amp;", 'say"so"', "é", "日", "本", "back\\slash", "---->", "𝄞"]
    path = tmp_path / "a.wav"
    shutil.copy(SAMPLES[0], path)
    for number in range(4):
        page = visit()  # of its own, because a browser stops a page after ten downloads
        about = page.request.get(f"{page.url}page/about").json()
        words, time_ = [], 3599.0 if number == 3 else 0.0
        for _ in range(int(rng.integers(1, 40))):
            start = time_ + float(rng.choice([0.0, 0.0004, 0.1, 0.9]))
            time_ = start + float(rng.choice(lengths))
            joined = bool(words) and bool(rng.random() < 0.3)
            confidence = round(float(rng.random()), 4)
            words.append((str(rng.choice(parts)), start, time_, confidence, joined))
        wanted = transcript_of(*words, duration=time_ + 1, warnings=('clipped "here"',))
        if is_readable:
            wanted = replace(wanted, tokens=odd_tokens(wanted, rng))
        answer_with(page, wanted)
        choose(page, path)
        expect(page.locator(".entry")).to_have_class(["entry open"])
        for format in ("txt", "srt", "vtt"):
            assert download(page, f"Download as {format}") == (
                f"a.{format}",
                render(format, "a.wav", wanted),
            )
        values = json.loads(render("json", "a.wav", wanted, settings={"decoder": "greedy"}))
        values["model"] = about["hash"]
        assert download(page, "Download as json")[1] == asr.files.to_json(values) + "\n"


def test_editing(visit, tmp_path):
    page = visit()
    answer_with(page, SURE)
    choose(page, SAMPLES[0])
    assert texts(page) == ["enter six too", "go"]
    page.get_by_role("button", name="Edit", exact=True).click()
    fields = page.get_by_role("textbox")
    assert [field.input_value() for field in fields.all()] == ["enter six too", "go"]
    fields.nth(0).fill("please enter six two <i>four</i>")
    values = json.loads(download(page, "Download as json")[1])
    assert values["text"] == "please enter six two <i>four</i> go"
    fields.nth(1).fill("")
    assert download(page, "Download as txt")[1] == "please enter six two <i>four</i>\n"
    page.get_by_role("button", name="Done").click()
    assert texts(page) == ["please enter six two <i>four</i>"]
    words = json.loads(download(page, "Download as json")[1])["words"]
    assert words[1] == {"word": "enter", "start": 0.1, "end": 0.5, "confidence": 0.99}
    assert words[2] == {"word": "six", "start": 0.6, "end": 0.9, "confidence": 0.7}
    assert words[3] == {"word": "two", "start": 1.0, "end": 1.043, "confidence": 1.0}
    assert words[4]["start"] == 1.043 and words[4]["end"] == 1.2
    assert page.locator("i").count() == 0
    expect(page.locator(".head .meta")).to_contain_text("edited")
    page.get_by_role("button", name="Undo all edits").click()
    assert texts(page) == ["enter six too", "go"]
    expect(page.locator(".head .meta")).not_to_contain_text("edited")
    assert download(page, "Download as srt")[1] == render("srt", "a.wav", SURE)


DATED = Transcript(
    "it was in nineteen eighty four yes said he",
    tuple(
        Word(text, start, start + 0.3, confidence)
        for text, start, confidence in zip(
            "it was in nineteen eighty four yes said he".split(),
            [0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 4.5, 5.0, 5.5],
            [0.99, 0.98, 0.97, 0.96, 0.7, 0.95, 0.94, 0.93, 0.92],
            strict=True,
        )
    ),
    9.0,
    "",
    tokens=(
        Token("It", 0, 1), Token("was", 1, 2), Token("in", 2, 3), Token("1984.", 3, 6),
        Token("Yes –", 6, 7), Token("said", 7, 8), Token("he.", 8, 9),
    ),
)  # fmt: skip


def json_of(page, transcript):
    """Return the JSON that ``asr transcribe`` writes of a transcript, with the model of a page."""
    values = json.loads(render("json", "a.wav", transcript, settings={"decoder": "greedy"}))
    values["audio"] = SAMPLES[0].name
    values["model"] = page.request.get(f"{page.url}page/about").json()["hash"]
    return values


def test_a_readable_transcript_keeps_the_times_of_its_words(visit):
    page = visit()
    answer_with(page, DATED)
    choose(page, SAMPLES[0])
    assert texts(page) == ["It was in 1984.", "Yes – said he."]
    expect(page.locator(".head .meta")).to_contain_text("9 words")
    expect(page.locator(".preview")).to_have_text("It was in 1984. Yes – said he.")
    year = page.get_by_role("button", name="1984., unsure", exact=True)
    expect(year).to_have_attribute(
        "title", "1.50 s, confidence 70\xa0%, heard as “nineteen eighty four”"
    )
    assert [year.get_attribute(f"data-{name}") for name in ("start", "end")] == ["1500", "2800"]
    year.click()
    expect(year).to_have_class(re.compile("now"))
    assert 1.5 <= page.locator("audio").evaluate("node => node.currentTime") < 2.46
    for format in ("txt", "srt", "vtt"):
        assert download(page, f"Download as {format}")[1] == render(format, "a.wav", DATED)
    text = download(page, "Download as json")[1]
    assert text == asr.files.to_json(json_of(page, DATED)) + "\n"


def test_editing_a_readable_transcript(visit):
    """Words that stay keep what was heard; others stand for themselves."""
    page = visit()
    answer_with(page, DATED)
    choose(page, SAMPLES[0])
    page.get_by_role("button", name="Edit", exact=True).click()
    fields = page.get_by_role("textbox")
    assert [field.input_value() for field in fields.all()] == texts_of(DATED)
    fields.nth(1).fill("Yes – said she.")
    values = json.loads(download(page, "Download as json")[1])
    assert values["display"] == "It was in 1984. Yes – said she."
    assert values["text"] == "it was in nineteen eighty four yes said she."
    assert values["tokens"][3:5] == [
        {"text": "1984.", "first": 3, "last": 6}, {"text": "Yes –", "first": 6, "last": 7}
    ]  # fmt: skip
    fields.nth(1).fill("Yes – said he.")
    assert json.loads(download(page, "Download as json")[1])["display"] == DATED.display
    page.get_by_role("button", name="Done").click()
    assert texts(page) == texts_of(DATED)


def texts_of(transcript):
    return [segment.display for segment in transcript.segments]


def test_readable_downloads_equal_the_command_line(visit, readable, tmp_path):
    model, address = readable
    (first, rate), (second, _) = [soundfile.read(ROOT / "samples" / name) for name in SPOKEN]
    sound = np.concatenate([second, np.zeros(rate), first])
    soundfile.write(tmp_path / "two.wav", sound, rate)
    page = visit(address)
    choose(page, tmp_path / "two.wav")
    assert texts(page) == ["Enter 429", "P-E-T-E-R-S-O-N"]
    done = run("transcribe", "two.wav", "-f", "all", "-o", "out", "--model", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for format in ("txt", "srt", "vtt", "json"):
        saved, text = download(page, f"Download as {format}")
        assert text == (tmp_path / "out" / f"two.{format}").read_text(), saved


def test_captions_are_readable_when_they_are_final(visit, readable):
    page = visit(readable[1])
    page.get_by_role("button", name="Record", exact=True).click()
    log, partial = page.get_by_role("log", name="Captions"), page.locator(".partial")
    partials = []
    while len(partials) < 400 and "429" not in " ".join(log.all_inner_texts()):
        partials.append(partial.text_content())
        page.wait_for_timeout(25)
    finals = log.locator("p").all_text_contents()
    assert finals == ["P-E-T-E-R-S-O-N", "enter 429"]
    assert any(text.startswith("p e t") for text in partials), partials
    page.get_by_role("button", name="Stop").click()
    assert texts(page) == finals
    values = json.loads(download(page, "Download as json")[1])
    assert values["text"] == "p e t e r s o n enter four two nine"
    assert values["display"] == " ".join(finals)
    assert [word["word"] for word in values["words"]] == values["text"].split()


def test_copy(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    answer_with(page, SURE)
    choose(page, SAMPLES[0])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "enter six too\ngo"


def test_words_are_heard_and_doubts_are_seen(visit):
    page = visit()
    answer_with(page, SURE)
    choose(page, SAMPLES[0])
    expect(page.get_by_role("button", name="enter", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="six, unsure", exact=True)).to_be_visible()
    doubtful = page.get_by_role("button", name="too, very unsure", exact=True)
    plain = page.get_by_role("button", name="go", exact=True)
    look = "node => [getComputedStyle(node).color, getComputedStyle(node).textDecorationLine]"
    seen = doubtful.locator(".text").evaluate(look)
    assert seen[1] == "underline" and seen != plain.locator(".text").evaluate(look)
    expect(page.locator(".word .wave").nth(2)).to_be_visible()
    doubtful.click()
    expect(doubtful).to_have_class(re.compile("now"))
    audio = page.locator("audio")
    assert audio.evaluate("node => [node.currentTime >= 1.0, node.paused]") == [True, False]
    page.locator("h1").click()
    page.keyboard.press("Space")
    assert audio.evaluate("node => node.paused")


def test_keyboard_alone(visit):
    page = visit()
    keys = page.keyboard

    def reach(name):
        """Press Tab until something of this name has the focus."""
        for _ in range(40):
            keys.press("Tab")
            focused = page.locator("body:focus-within :focus")
            if not focused.count():
                continue
            label = focused.get_attribute("aria-label") or focused.inner_text()
            if label.startswith(name):
                return
        raise AssertionError(f"{name} is not reached")

    reach("Use the dark theme")
    keys.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    reach("Record")
    reach("Choose files")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files([str(path) for path in SAMPLES[:3]])
    expect(page.get_by_role("status").filter(has_text="3 transcripts")).to_be_visible()
    reach(SAMPLES[0].name)
    keys.press("Enter")
    expect(page.locator(".entry.open .name")).to_have_text(SAMPLES[0].name)
    keys.press("j")
    expect(page.locator(".entry.open .name")).to_have_text(SAMPLES[1].name)
    keys.press("e")
    expect(page.get_by_role("textbox").first).to_be_focused()
    keys.press("End")
    keys.type(" e r j o")
    keys.press("Escape")
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()
    assert texts(page)[0].endswith(" e r j o")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    reach("Remove " + SAMPLES[2].name)
    keys.press("Enter")
    expect(page.locator(".entry")).to_have_count(2)
    with page.expect_file_chooser():
        keys.press("o")
    keys.press("r")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator(".partial")).not_to_be_empty()
    keys.press("r")
    expect(page.locator(".entry")).to_have_count(3)


CONTRAST = """() => {
  const light = (color) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (!backgroundColor.endsWith(", 0)")) return backgroundColor;
    }
    return "white";
  };
  return [...document.querySelectorAll("main *")]
    .filter((node) => node.checkVisibility())
    .filter((node) => [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE))
    .map((node) => {
      const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.className, node.textContent];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("wide", [True, False], ids=["1440", "390"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_and_widths(scheme, wide, visit):
    page = visit(wide=wide, color_scheme=scheme)
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    long = transcript_of(
        *[(f"word{n}" * (1 + n % 4), n / 2, n / 2 + 0.4, n / 60) for n in range(60)]
    )
    answer_with(page, long)
    choose(page, SAMPLES[0])
    expect(page.locator(".entry.open .words").first).to_be_visible()

    def fits():
        return page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert fits() and page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Edit", exact=True).click()
    assert fits() and page.evaluate(CONTRAST) == []
    for button in page.get_by_role("button").all():
        if button.is_visible():
            assert button.bounding_box()["height"] >= 24


REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s'); };"


@pytest.mark.parametrize(
    ("script", "advice"),
    [
        (REFUSED % "NotAllowedError", "Allow it for this page"),
        (REFUSED % "NotFoundError", "Connect one, then record again"),
        (REFUSED % "NotReadableError", "another program may have it"),
        (
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });",
            "Open this page as http://localhost, or put the server behind https",
        ),
    ],
    ids=["refused", "missing", "busy", "insecure"],
)
def test_no_microphone(script, advice, visit):
    page = visit(prepare=lambda page: page.add_init_script(script))
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text=advice)).to_be_visible()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()


def test_a_key_is_asked_for_and_kept_in_memory_only(visit):
    with serving(keys=(digest(KEY),)) as address:
        page = visit(address, allowed="401")
        choose(page, SAMPLES[0])
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        dialog.get_by_label("Key").fill("a-key-that-is-wrong")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("The server did not accept this key.")
        dialog.get_by_label("Key").fill(KEY)
        page.keyboard.press("Enter")
        expect(page.locator(".entry.open .words")).to_be_visible()
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.locator(".partial")).not_to_be_empty()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".entry.open .name")).to_contain_text("Recording")
        kept = page.evaluate(
            "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])"
        )
        assert KEY not in kept and KEY not in page.content()


def test_files_that_are_gone_and_keys_that_nobody_has(visit, tmp_path):
    with serving(keys=(digest(KEY),)) as address:
        page = visit(address, wide=False)
        paths = [tmp_path / f"{number}.wav" for number in range(9)]
        for path in paths:
            shutil.copy(SAMPLES[0], path)
        choose(page, *paths)
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        dialog.wait_for()
        box = dialog.bounding_box()
        assert box["x"] >= 8 and box["x"] + box["width"] <= 390 - 8
        page.keyboard.press("Escape")
        expect(page.get_by_role("status").filter(has_text="9 failed")).to_be_visible()
        expect(page.locator(".preview").last).to_have_text("This server asks for a key.")
        paths[0].unlink()
        page.get_by_role("button", name="Try again").first.click()
        expect(page.locator(".preview").first).to_have_text(
            "The file cannot be read. Is it a folder, or was it moved?"
        )


def test_a_busy_server_is_asked_again_and_errors_are_said(visit, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    page = visit(allowed="Failed to load resource")
    answers = [{"status": 503, "headers": {"Retry-After": "1"}}, {"status": 500, "body": "oops"}]

    def answer(route):
        if answers:
            route.fulfill(**answers.pop(0))
        else:
            route.continue_()

    page.route("**/v1/audio/transcriptions", answer)
    choose(page, SAMPLES[0])
    expect(page.locator(".head .meta")).to_have_text("the server is busy")
    expect(page.locator(".preview")).to_have_text("The server answered with status 500.")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".entry.open .words")).to_be_visible()
    choose(page, broken)
    expect(page.locator(".entry .preview.warning")).to_contain_text("not readable as audio")
    page.route("**/v1/audio/transcriptions", lambda route: route.abort())
    choose(page, SAMPLES[0])
    expect(page.locator(".preview").first).to_have_text(
        "The server does not answer. Is it still running?"
    )


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "at the end"])
def test_a_recording_is_kept_when_captions_end(at_once, visit):
    """If the WebSocket is closed too early, the recording is transcribed as a file."""

    def end(socket):
        if at_once:
            socket.close(code=1013, reason="too many sessions")
        else:
            socket.on_message(lambda text: "eof" in str(text)[:20] and socket.close(code=1011))

    page = visit(prepare=lambda page: page.route_web_socket(re.compile("."), end))
    page.get_by_role("button", name="Record", exact=True).click()
    if at_once:
        told = page.get_by_role("alert").filter(has_text="the recording is kept")
        expect(told).to_contain_text("(too many sessions)")
    expect(page.locator(".time")).to_have_text("0:05")
    page.get_by_role("button", name="Stop").click()
    assert texts(page)[0].startswith("p e t e r s o n")


def test_a_recording_without_a_sample_is_said(visit):
    silent = "AudioWorkletNode.prototype.__defineGetter__('port', () => ({}))"
    page = visit(prepare=lambda page: page.add_init_script(silent))
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Nothing was recorded: the microphone had given no sound yet."
    )
    expect(page.locator(".entry")).to_have_count(0)
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()


def test_too_large_a_file_is_not_sent(visit, tmp_path):
    (tmp_path / "large.wav").write_bytes(bytes(3 << 19))
    with serving(max_upload=1 << 20) as address:
        page = visit(address)
        choose(page, tmp_path / "large.wav")
        expect(page.locator(".preview")).to_have_text(
            "The file has 1.5 MiB, and this server takes 1.0 MiB at most."
        )


def test_files_are_dropped(visit):
    page = visit()
    transfer = page.evaluate_handle(
        """([data, name]) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          transfer.items.add(new File([bytes], name));
          return transfer;
        }""",
        [base64.b64encode(SAMPLES[0].read_bytes()).decode(), HOSTILE],
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.locator(".entry.open .words")).to_be_visible()
    expect(page.locator(".head .name")).to_have_text(HOSTILE)
    assert page.locator("img").count() == 0 and escape(HOSTILE) in page.content()


def test_sound_that_the_browser_cannot_play(visit, tmp_path):
    sound, rate = soundfile.read(SAMPLES[0])
    soundfile.write(tmp_path / "a.sph", sound, rate, format="NIST", subtype="PCM_16")
    page = visit()
    choose(page, tmp_path / "a.sph")
    expect(page.locator(".entry.open .words")).to_be_visible()
    expect(page.get_by_text("This browser cannot play a file of this format.")).to_be_visible()


def test_every_part_is_used_and_none_reads_markup():
    folder = ROOT / "asr/serving/page"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.js" for name in SCRIPTS} | {"index.html", "page.css", "worklet.js"}
    for path in folder.glob("*.js"):
        text = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert not re.search(r"localStorage|sessionStorage|cookie|https?://(?!localhost)", text)
