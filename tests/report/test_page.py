"""The page report.html shows its payload in a browser, answers to input, and loads nothing."""

import copy
import itertools
import re
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from browsers import chromium
from conftest import ROOT
from payloads import count_words, make_payload, make_utterances
from playwright.sync_api import expect

from asr.lm.overlap import ModelOverlap
from asr.report.page import COMMON_SCRIPTS, SCRIPTS, render

HOSTILE = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "$style ${title}"]


@pytest.fixture(scope="module")
def browser():
    """A browser without a window, in which sounds may play by themselves."""
    with chromium("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser


@pytest.fixture
def show(browser, tmp_path):
    """A function that opens a payload in the browser and returns the page.

    The test fails if the page reports an error or requests anything but itself and its sound.
    """
    contexts, complaints = [], []
    own = tmp_path.as_uri()

    def listen(request):
        if not request.url.startswith((own, "data:", "blob:")):
            complaints.append(request.url)

    def show(payload, fragment="", allowed="(none)", **options):
        path = tmp_path / "report.html"
        path.write_text(render(payload), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": 1200, "height": 900}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on(
            "console",
            lambda message: allowed in message.text or complaints.append(message.text),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", listen)
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector("main:not([aria-busy])")
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def heard(tmp_path_factory):
    """A payload whose first utterances are heard, and the folder with their sounds."""
    folder = tmp_path_factory.mktemp("sounds")
    return make_payload(folder, recordings=2), folder


@pytest.fixture
def one(heard, tmp_path):
    """A payload of one system, of which the first two utterances are heard."""
    payload, folder = heard
    for path in folder.glob("*.wav"):
        shutil.copy(path, tmp_path)
    return copy.deepcopy(payload)


@pytest.fixture
def two(tmp_path):
    """A payload of two systems."""
    return make_payload(tmp_path, shares=(0.3, 0.15))


def ids(page):
    """Return the ids of the utterances on the shown page of the list."""
    return page.locator(".utterance .id").all_text_contents()


def wanted(payload, test):
    """Return the ids of the utterances that pass ``test``, at most a page of them."""
    return [item["id"] for item in payload["utterances"] if test(item)][:50]


def errors(item):
    """Return the errors of all systems in an utterance."""
    return sum(output["errors"] for output in item["outputs"])


def has_step(item, reference, word):
    """Return True if the first system aligned the reference word with this word."""
    return [reference, word] in item["outputs"][0]["steps"]


def test_the_numbers_of_the_payload_are_on_the_page(show, one):
    page = show(one)
    wer = one["systems"][0]["score"]["wer"]
    head = page.locator(".headline")
    expect(head).to_contain_text(f"{100 * wer['rate']:.2f} %")
    expect(head).to_contain_text(
        f"[{wer['errors']} / {wer['reference']}: {wer['insertions']} ins, "
        f"{wer['deletions']} del, {wer['substitutions']} sub]"
    )
    expect(head).to_contain_text("in 95 % of cases, over 5 speakers")
    expect(head).to_contain_text("210×")
    expect(head).to_contain_text("21 ms")
    parts = page.locator("#report-errors .parts").nth(0).locator(".pick .number:not(.faint)")
    kinds = [str(wer[kind]) for kind in ("substitutions", "deletions", "insertions")]
    assert parts.all_text_contents() == kinds
    expect(page.locator("#report-calibration")).to_contain_text("ECE 3.12 %")
    warning = page.locator("#report-data .warning")
    expect(warning).to_have_text("Warning: 26 texts of the test are in the training data too.")
    expect(page.locator("#report-provenance")).to_contain_text("d15a0e3e" * 8)
    expect(page.locator("#report-errors")).to_contain_text("as jiwer gives them")


def test_sorting(show, one):
    page = show(one)
    items = one["utterances"]
    assert ids(page) == [item["id"] for item in items[:50]]

    def order(name, key):
        page.locator("select[name=order]").select_option(name)
        return ids(page) == [item["id"] for item in sorted(items, key=key)[:50]]

    assert order("errors", lambda item: -errors(item))
    assert order("wer", lambda item: -errors(item) / len(item["reference"].split()))
    assert order("duration", lambda item: -item["duration"])
    assert order("label", lambda item: -item["outputs"][0]["label_score"])
    confident = [item for item in items if item["outputs"][0]["words"]]
    confident.sort(key=lambda item: np.mean([word[2] for word in item["outputs"][0]["words"]]))
    page.locator("select[name=order]").select_option("confidence")
    assert ids(page) == [item["id"] for item in confident[:50]]
    page.locator("select[name=order]").select_option("order")
    page.get_by_role("button", name="Reverse").click()
    assert ids(page) == [item["id"] for item in items[:9:-1]]


def test_filters(show, one):
    page = show(one)

    def choose(name, value):
        clear = page.get_by_role("button", name="Clear")
        if clear.is_visible():
            clear.click()
        page.locator(f"select[name={name}]").select_option(value)
        return ids(page)

    assert choose("kind", "wrong") == wanted(one, errors)
    assert choose("kind", "right") == wanted(one, lambda item: not errors(item))
    deleted = wanted(one, lambda item: any(h is None for _, h in item["outputs"][0]["steps"]))
    assert choose("kind", "D") == deleted
    assert choose("speaker", "s3") == wanted(one, lambda item: item["speaker"] == "s3")
    search = wanted(one, lambda item: "search" in item["outputs"][0]["kinds"])
    assert choose("cause", "search") == search != []
    page.locator("select[name=speaker]").select_option("s1")
    assert ids(page) == [id for id in search if id.startswith("s1")]


def test_search_in_ids_and_both_texts(show, one):
    page = show(one)
    box = page.get_by_role("searchbox")
    box.fill("S2-0001")
    assert ids(page) == wanted(one, lambda item: "s2-0001" in item["id"])
    box.fill("stop")
    assert ids(page) == wanted(
        one, lambda item: "stop" in item["reference"] + " | " + item["outputs"][0]["hypothesis"]
    )
    box.fill("no such words")
    assert ids(page) == []
    expect(page.get_by_role("status")).to_have_text("0 of 60 utterances")


def test_words_and_groups_filter(show, one):
    page = show(one)
    for caption in ("Confusion pairs", "Most deleted", "Most inserted"):
        button = page.get_by_role("table", name=caption).get_by_role("button").first
        text = button.text_content()
        pair = {
            "Confusion pairs": text.split(" → "),
            "Most deleted": [text, None],
            "Most inserted": [None, text],
        }[caption]
        row = button.locator("xpath=ancestor::tr").locator("td").nth(1)
        steps = [step for item in one["utterances"] for step in item["outputs"][0]["steps"]]
        assert int(row.text_content()) == steps.count(pair)
        button.click()
        assert ids(page) == wanted(one, lambda item, pair=pair: has_step(item, *pair))
        page.locator(".chip").click()
        assert len(ids(page)) == 50
    page.get_by_role("table", name="WER by sex").get_by_role("button", name="m").click()
    assert ids(page) == wanted(one, lambda item: item["fields"]["sex"] == "m")
    page.get_by_role("table", name="WER by duration").get_by_role("button").first.click()
    assert ids(page) == wanted(one, lambda item: item["duration"] < 2)
    page.locator(".chart .class.open").nth(1).click()
    assert ids(page) == wanted(one, lambda item: 2 <= item["duration"] < 4)


@pytest.mark.parametrize("lows", [range(0, 20, 5), range(0, 60, 5), range(-10, 90, 5)])
def test_names_below_a_chart_do_not_touch(lows, show, one):
    wer = one["systems"][0]["score"]["wer"]
    groups = [{"value": f"{k} to {k + 5} dB", "utterances": 1, "wer": wer} for k in lows]
    one["systems"][0]["groups"] = {"noise": groups}
    page = show(one)
    names = page.locator(".chart .class > text:not(.faint)")
    if len(lows) <= 8:
        assert names.all_text_contents() == ["0–5", "5–10", "10–15", "15–20"]
    boxes = [names.nth(place).bounding_box() for place in range(names.count())]
    assert len(boxes) >= 4
    for box, following in itertools.pairwise(boxes):
        assert box["x"] + box["width"] < following["x"]
    expect(page.locator("figcaption").first).to_contain_text("WER by noise in dB")


def test_an_interval_beyond_the_chart_ends_in_an_arrow(show, one):
    groups = one["systems"][0]["groups"]["duration"]
    groups[0]["interval"]["high"] = 4.5
    page = show(one)
    classes = page.locator(".chart >> nth=0").locator(".class")
    arrows = classes.locator(".whisker").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d').includes('l'))"
    )
    assert arrows == [True] + [False] * (len(groups) - 1)
    assert "to 450.00 %" in classes.first.get_attribute("aria-label").replace("\xa0", " ")


def test_a_chart_answers_keys(show, one):
    page = show(one)
    page.locator(".chart .class.open").first.focus()
    page.keyboard.press("Space")
    assert ids(page) == wanted(one, lambda item: item["duration"] < 2)
    expect(page.locator(".chip")).to_contain_text("duration: 0 to 2 s")


def test_data_shared_with_training(show, one):
    overlap = ModelOverlap((9, 5), (9, 9), sentences=6, sentences_covered=3, long=4, long_covered=1)
    system = one["systems"][0]
    system["overlap"] = {"speakers": ["s1"], "texts": 0, "audio": 2}
    system["lm_overlap"] = asdict(overlap)
    page = show(one)
    assert page.locator("#report-data li").all_text_contents() == [
        "Warning: 1 speaker of the test is in the training data too: s1.",
        "No text of the test is in the training data.",
        "Warning: 2 recordings of the test are in the training data too.",
        "Warning: The language model holds every n-gram of 3 of 6 test sentences, and of 1 of the "
        "4 with four or more words.",
    ]


def test_likely_label_errors(show, one):
    page = show(one)
    likely = [item for item in one["utterances"] if item["outputs"][0]["label_score"] > 0]
    likely.sort(key=lambda item: -item["outputs"][0]["label_score"])
    buttons = page.locator("#report-labels td button")
    assert buttons.all_text_contents() == [item["id"] for item in likely[:20]]
    buttons.nth(1).click()
    expect(page.locator(".utterance.open .id")).to_have_text(likely[1]["id"])
    assert page.evaluate("decodeURIComponent(location.hash)") == f"#{likely[1]['id']}"


def wait(page, expression):
    """Wait until an expression is true.

    The page's policy keeps Playwright from asking inside the page.
    """
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"not true within ten seconds: {expression}")


TIME = "document.querySelector('audio').currentTime"


def test_sound_jumps_to_words_and_is_followed(show, one):
    page = show(one)
    item = one["utterances"][1]
    starts = [word[0] for word in item["outputs"][0]["words"]]
    short = page.locator(".utterance").nth(1).locator("span.word[data-start]").nth(1)
    short.click()
    wait(page, f"{TIME} > {starts[1]}")
    page.keyboard.press("Space")
    sound = page.locator("audio")
    assert sound.evaluate("audio => audio.paused")
    words = page.locator(".opened button.word")
    words.nth(2).click()
    wait(page, f"{TIME} > {starts[2]}")
    sound.evaluate("(audio, time) => { audio.pause(); audio.currentTime = time; }", starts[3] + 0.1)
    wait(page, "!document.querySelector('audio').seeking")
    expect(page.locator(".word.now")).to_have_count(1)
    expect(words.nth(3)).to_have_class("word now")
    share = float(page.locator(".playhead").evaluate("node => parseFloat(node.style.left)")) / 100
    assert share == pytest.approx((starts[3] + 0.1) / item["duration"], abs=0.01)
    box = page.locator(".plot").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    sound.evaluate("audio => audio.pause()")
    assert page.evaluate(TIME) == pytest.approx(item["duration"] / 2, abs=0.4)


def test_pictures_are_painted_as_they_are(show, one):
    item = one["utterances"][1]
    values = {"rows": 2, "columns": 3, "data": "AAECA/7/"}  # this is 0 1 2, 3 254 255
    item["picture"] = {
        "seconds": item["duration"],
        "spectrogram": values | {"top": 8000},
        "posteriors": values | {"symbols": ["<blank>", " "]},
        "attention": values | {"symbols": [" ", "end"], "spikes": [item["duration"] / 4]},
    }
    page = show(one, f"#{item['id']}")
    alphas = """canvas => [...canvas.getContext('2d').getImageData(0, 0, 3, 2).data]
        .filter((_, index) => index % 4 === 3)"""
    assert page.locator("canvas.spectrogram").evaluate(alphas) == [3, 254, 255, 0, 1, 2]
    assert page.locator("canvas.posteriors").evaluate(alphas) == [0, 1, 2, 3, 254, 255]
    assert page.locator(".axis.posteriors span").all_text_contents() == ["<blank>", "␣"]
    assert page.locator("canvas.attention").evaluate(alphas) == [0, 1, 2, 3, 254, 255]
    assert page.locator(".axis.attention span").all_text_contents() == ["␣", "end"]
    place = "node => [node.style.left, node.style.top]"
    assert page.locator(".looks .spike").evaluate(place) == ["25%", "25%"]
    expect(page.locator(".picture figcaption")).to_contain_text(
        "where the decoder with attention looks"
    )
    assert page.locator(".axis.spectrogram span").last.text_content() == "8.0\xa0kHz"


def test_a_recording_that_is_not_there(show, one, tmp_path):
    one["utterances"][0]["audio"] = "gone.wav"
    page = show(one, allowed="Failed to load resource: net::ERR_FILE_NOT_FOUND")
    page.locator(".head").first.click()
    expect(page.locator(".opened .warning")).to_contain_text("gone.wav cannot be played")


def test_two_systems(show, two):
    page = show(two)
    rates = [f"{100 * system['score']['wer']['rate']:.2f} %" for system in two["systems"]]
    assert [
        text.replace("\xa0", " ") for text in page.locator(".rate strong").all_text_contents()
    ] == rates
    part = page.locator("#report-comparison")
    expect(part).to_contain_text("the second is better")
    expect(part).to_contain_text("−2.31 points, −4.12 to −0.51 in 95 % of cases, over 5 speakers")
    expect(part).to_contain_text("31 segments, z = 2.31, p = 0.021")

    def change(item):
        first, second = item["outputs"]
        return second["errors"] - first["errors"]

    items = two["utterances"]
    for name, sign in (("better", -1), ("worse", 1)):
        chosen = [item for item in items if sign * change(item) > 0]
        part.get_by_role("button", name=f"{len(chosen)} {name}").click()
        chosen.sort(key=lambda item: -abs(change(item)))
        assert ids(page) == [item["id"] for item in chosen[:50]]
    changed = [item for item in items if len({o["hypothesis"] for o in item["outputs"]}) == 2]
    part.get_by_role("button", name=f"{len(changed)} utterances changed").click()
    expect(page.get_by_role("status")).to_have_text(f"{len(changed)} of 60 utterances")


def test_a_difference_without_an_interval(show, two):
    two["comparison"] |= {"low": None, "high": None}
    part = show(two).locator("#report-comparison")
    expect(part).to_contain_text("−2.31 points, no interval: too few speakers, or too unlike each")
    expect(part.locator("figure")).to_have_count(0)


def test_likely_label_errors_of_two_systems(show, two):
    for item in two["utterances"]:
        for output in item["outputs"]:
            output["label_score"] = None
    for item, texts in zip(two["utterances"], [["a b", "a b"], ["a b", ""]], strict=False):
        for output, text in zip(item["outputs"], texts, strict=True):
            output |= {"label_score": 1.0, "hypothesis": text}
    page = show(two)
    recognised = page.locator("#report-labels tbody td:last-child")
    assert recognised.nth(0).text_content() == "a b"
    assert recognised.nth(1).locator("div").all_text_contents() == ["1  a b", "2  (nothing)"]


def test_both_alignments_stand_over_one_reference(show, two):
    item = two["utterances"][0]
    item["reference"] = "a b c"
    steps = [
        [["a", "a"], [None, "x"], [None, "y"], ["b", None], ["c", "c"]],
        [["a", "z"], [None, "w"], ["b", "b"], ["c", "c"]],
    ]
    for output, own in zip(item["outputs"], steps, strict=True):
        output |= {"steps": own, "words": None, "kinds": None}
    page = show(two)
    columns = page.locator(".utterance").first.locator(".column")
    table = columns.evaluate_all("""columns => columns.map(column => [...column.children].map(
        cell => [cell.className.split(' ').pop(), cell.textContent.trim()].join(' ')))""")
    assert table == [
        ["reference a", "ok a", "sub z"],
        ["none +", "ins x", "ins w"],
        ["none +", "ins y", "none "],
        ["reference b", "del b", "ok b"],
        ["reference c", "ok c", "ok c"],
    ]


def test_keys(show, one):
    page = show(one)
    opened = page.locator(".utterance.open .id")
    first = [item["id"] for item in one["utterances"]]
    for key, place in (("j", 0), ("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(opened).to_have_text(first[place])
    page.keyboard.press("Space")
    wait(page, f"{TIME} > 0.05")
    page.keyboard.press("Space")
    assert page.locator("audio").evaluate("audio => audio.paused")
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("j k ?/")
    expect(page.get_by_role("searchbox")).to_have_value("j k ?/")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next utterance")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_turn_pages(show, one):
    page = show(one, f"#{one['utterances'][49]['id']}")
    page.keyboard.press("j")
    expect(page.locator(".utterance.open .id")).to_have_text(one["utterances"][50]["id"])
    assert len(ids(page)) == 10
    page.get_by_role("button", name="Previous").first.click()
    assert len(ids(page)) == 50


def contrast(page, selector):
    """Return WCAG 2.2's contrast ratio of an element's text on the page's ground."""
    colours = page.locator(selector).first.evaluate(
        "node => [getComputedStyle(node).color, getComputedStyle(document.body).backgroundColor]"
    )
    light = []
    for colour in colours:
        parts = np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(light) / min(light)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes(scheme, show, one):
    page = show(one, color_scheme=scheme)
    theme = page.locator("html")
    for name in (scheme, "light" if scheme == "dark" else "dark"):
        expect(theme).to_have_attribute("data-theme", name)
        for selector in ("body", ".note", "button.link", ".warning", ".sub .word", ".del .word",
                         ".ins .word", ".alignment .cell"):  # fmt: skip
            assert contrast(page, selector) >= 4.5, selector
        page.locator("button[name=theme]").click()
    expect(theme).to_have_attribute("data-theme", scheme)


@pytest.mark.parametrize("shares", [(0.2,), (0.3, 0.15)])
def test_no_width_overflows(shares, show, tmp_path):
    payload = make_payload(tmp_path, 12, shares, recordings=1)
    payload["systems"][0]["name"] = "a/long/path" * 12
    payload["utterances"][0]["reference"] += " " + "longword" * 20
    payload["utterances"][0]["outputs"][0]["steps"].append(["longword" * 20, None])
    page = show(payload)
    page.locator(".head").first.click()
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_is_light_and_has_no_controls(show, one):
    fragment = f"#{one['utterances'][0]['id']}"
    page = show(one, fragment, "Multiple readback operations", color_scheme="dark")
    ink = """Math.max(...document.querySelector('canvas.posteriors').getContext('2d')
        .getImageData(0, 0, 1, 1).data.slice(0, 3))"""
    assert page.evaluate(ink) > 200
    page.emulate_media(media="print")
    wait(page, f"{ink} < 60")
    for selector in (".toolbar", ".top", ".pager"):
        expect(page.locator(selector).first).to_be_hidden()
    for selector in (".headline", "#report-errors", ".utterance"):
        expect(page.locator(selector).first).to_be_visible()


@pytest.mark.parametrize("text", HOSTILE)
def test_data_stay_text(text, show, tmp_path):
    payload = make_payload(tmp_path, 3, (0.2, 0.2))
    payload["title"] = text
    item = payload["utterances"][0]
    item |= {"id": text, "speaker": text, "reference": text, "fields": {text: text}}
    item["outputs"][0] |= {"hypothesis": text, "steps": [[text, text + "!"]], "kinds": None}
    payload["comparison"]["verdict"] = text
    for system in payload["systems"]:
        group = {"value": text, "utterances": 1, "wer": count_words(item["outputs"])}
        system |= {"name": text, "command": text, "versions": {text: text}}
        system["groups"] |= {text: [group], "speaker": [group]}
        system["overlap"]["speakers"] = [text]
    page = show(payload)
    expect(page).to_have_title(text)
    assert page.locator("img, main script").count() == 0
    for selector in ("h1", ".verdict", ".utterance .id", "#report-groups .link >> nth=-1"):
        expect(page.locator(selector).first).to_have_text(text)
    page.locator(".head").first.click()
    expect(page.locator(".utterance.open .reference").first).to_have_text(text)
    page.reload()
    expect(page.locator(".utterance.open .id")).to_have_text(text)
    page.goto(page.url.split("#")[0] + "#%E0%A4%A")  # this is not UTF-8
    assert page.locator(".utterance").count() == 3


def test_five_thousand_utterances(show, tmp_path):
    payload = make_payload(tmp_path, 5000)
    payload["left_out"] = 1234
    assert len(render(payload)) < 2e6
    page = show(payload)
    status = page.get_by_role("status")
    expect(status).to_contain_text("5,000 utterances (1,234 more were scored and left out")
    for query in ("erase", "erase s", "erase six"):
        page.get_by_role("searchbox").fill(query)
        texts = [[x["reference"], x["outputs"][0]["hypothesis"]] for x in payload["utterances"]]
        found = sum(any(query in text for text in pair) for pair in texts)
        expect(status).to_contain_text(f"{found:,} of 5,000 utterances")
    page.get_by_role("button", name="Clear").click()
    for _ in range(3):
        page.get_by_role("button", name="Next").first.click()
    assert ids(page) == [item["id"] for item in payload["utterances"][150:200]]


def test_what_is_missing_leaves_its_part_out(show):
    """A payload of texts alone, as from ``asr score``, gives a page without the other parts."""
    utterances = make_utterances(5, timed=False)
    score = {"wer": count_words([item["outputs"][0] for item in utterances])}
    page = show({"systems": [{"score": score, "command": "asr score"}], "utterances": utterances})
    titles = page.locator("section h2").all_text_contents()
    assert titles == ["Errors", "Utterances", "Provenance"]
    page.keyboard.press("j")
    assert page.locator(".utterance.open .column").count() == len(
        utterances[0]["outputs"][0]["steps"]
    )
    assert page.locator("audio, canvas, button.word").count() == 0
    assert page.locator("select").evaluate_all("nodes => nodes.map(node => node.name)") == [
        "kind", "speaker", "order"]  # fmt: skip


def test_one_utterance_and_no_errors(show, tmp_path):
    payload = make_payload(tmp_path, 1, (1e-9,))
    page = show(payload)
    expect(page.locator(".headline")).to_contain_text("0.00 %")
    expect(page.locator("#report-errors")).to_contain_text("No errors.")
    assert ids(page) == ["s0-00000"]
    expect(page.get_by_role("status")).to_have_text("1 utterance")


def test_rates_of_no_words(show, tmp_path):
    payload = make_payload(tmp_path, 4)
    item = payload["utterances"][0]
    item["reference"], item["outputs"][0]["steps"] = "", [[None, "stop"]]
    wer = count_words(item["outputs"])
    assert wer["rate"] == float("inf")
    payload["systems"][0]["groups"] = {"noise": [{"value": "?", "utterances": 1, "wer": wer}]}
    page = show(payload)
    expect(page.get_by_role("table", name="WER by noise")).to_contain_text("1 / 0–")


def test_characters_are_scored_where_words_are_not_separated(show, two):
    for system in two["systems"]:
        system["normalization"]["unit"] = "character"
    page = show(two)
    expect(page.locator(".headline .label")).to_have_text(["CER", "CER"])
    expect(page.locator(".headline")).not_to_contain_text("spaces counted")
    expect(page.get_by_role("table", name="CER by sex")).to_contain_text("characters")
    assert "WER" not in page.locator("main").inner_text()


def test_no_scripts(browser, tmp_path, two):
    """A browser without scripts shows a line that says so."""
    (tmp_path / "report.html").write_text(render(two))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert "scripts are turned off" in page.locator("noscript").inner_text()
    context.close()


def test_every_asset_is_used_and_none_reads_markup():
    assets, common = ROOT / "asr/report/assets", ROOT / "asr/report/common"
    names = {path.name for path in assets.iterdir()}
    assert names == {f"{name}.js" for name in SCRIPTS} | {"report.html", "report.css"}
    names = {path.name for path in common.iterdir()}
    assert names == {f"{name}.js" for name in COMMON_SCRIPTS} | {"base.css"}
    for path in [*assets.glob("*.js"), *common.glob("*.js")]:
        text = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text)
