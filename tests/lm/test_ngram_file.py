"""Files of n-gram models keep the scores, in both forms, and damaged ones are refused."""

import contextlib
import json
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_cases import HAND_MADE, estimated, prune_at_random, sentences, to_old_bytes

from asr.errors import AsrError, DataError, ModelError
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import read_binary, read_lm, write_binary
from asr.lm.old_ngram_file import parse_old
from asr.lm.packed import FORMAT_VERSION, MAGIC, PREFIX
from asr.lm.packing import pack


@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_binary_round_trip(order, bits, tmp_path):
    path = tmp_path / "lm.ngram"
    model = pack(estimated(order), bits)
    write_binary(path, model)
    read = read_lm(path)
    assert np.array_equal(model.block, read.block)
    assert (read.words, read.counts, read.bits) == (model.words, model.counts, bits)
    base = read.block
    while not isinstance(base, np.memmap):
        base = base.base
    assert base.mode == "r" and not read.block.flags.writeable
    texts = list(map(model.encode, sentences(50, 5)))
    for a, b in zip(model.score(texts), read.score(texts), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_files_of_format_1(order, tmp_path):
    path = tmp_path / "lm.ngram"
    ngrams = prune_at_random(estimated(order))
    path.write_bytes(to_old_bytes(ngrams))
    assert np.array_equal(read_lm(path).block, pack(ngrams).block)


@pytest.fixture(scope="module", params=[1, 2], ids=["format 1", "format 2"])
def stored(request, tmp_path_factory):
    ngrams = estimate(["yes no", "no yes yes"], 3).ngrams
    return to_old_bytes(ngrams) if request.param == 1 else pack(ngrams).block.tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "the file is empty"),
        (lambda data: b"RIFF" + data[4:], "not a binary n-gram model"),
        (lambda data: data[:12], "damaged or cut short"),
        (lambda data: data[:-1], "damaged or cut short"),
        (lambda data: data + b"x", "damaged or cut short"),
        (lambda data: data[:200] + b"!" + data[201:], "damaged or cut short"),
        (lambda data: data[:8] + b"\x03" + data[9:], "has format 3, .* reads format 2; build it"),
    ],
)
def test_damaged_files(change, message, stored, tmp_path):
    (tmp_path / "lm.ngram").write_bytes(change(stored))
    with pytest.raises(ModelError, match=message):
        read_binary(tmp_path / "lm.ngram")


@given(st.data())
def test_corrupted_files_are_refused(stored, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "corrupted.ngram"
    content = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(content)
    with pytest.raises(AsrError):
        read_lm(path)


def with_body(stored, body, size):
    """A file with another body and length of its header, and the checksum that belongs to it."""
    return PREFIX.pack(MAGIC, stored[8], size, zlib.crc32(body)) + body


@given(st.binary(max_size=40), st.integers(0, 60))
def test_wrong_headers_are_refused_whatever_the_checksum(stored, tmp_path_factory, text, size):
    path = tmp_path_factory.getbasetemp() / "header.ngram"
    old = struct.unpack_from("<I", stored, 12)[0]
    path.write_bytes(with_body(stored, text + stored[PREFIX.size + old :], size))
    with pytest.raises(ModelError):
        read_lm(path)


@given(st.data())
def test_wrong_sizes_are_refused_whatever_the_checksum(stored, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "sizes.ngram"
    old = struct.unpack_from("<I", stored, 12)[0]
    values = json.loads(stored[PREFIX.size : PREFIX.size + old])
    if "records" not in values:
        return
    number = st.one_of(st.integers(-3, 12), st.sampled_from([1 << 31, 1 << 40, 1e9, None, "1"]))
    name = data.draw(st.sampled_from(["counts", "records", "bits", "words"]))
    changed = dict(values)
    if isinstance(values[name], list):
        changed[name] = data.draw(st.lists(number, max_size=8))
    else:
        changed[name] = data.draw(number)
    if changed == values:
        return
    header = json.dumps(changed).encode()
    body = header + stored[PREFIX.size + old :]
    path.write_bytes(with_body(stored, body, len(header)))
    try:
        model = read_lm(path)
    except ModelError:
        return
    # Wrong numbers whose sections have the same places: what is read is wrong, but can be read.
    model.score([[0, 1, 2]])


def test_records_that_lead_nowhere_do_no_harm(tmp_path):
    """Whoever makes a checksum fit can make up numbers; they must not lead outside of the file."""
    rng = np.random.default_rng(1)
    model = pack(prune_at_random(estimated(4)))
    hashes, ids, words, _ = model._bounds[-4:]
    for begin, end in 15 * [(model._bounds[0], hashes), (ids, words)]:
        block = model.block.copy()
        block[begin:end] = rng.integers(0, 256, end - begin)
        size = struct.unpack_from("<I", block, 12)[0]
        (tmp_path / "lm.ngram").write_bytes(
            with_body(block.tobytes(), block[PREFIX.size :].tobytes(), size)
        )
        with contextlib.suppress(ModelError):
            made_up = read_lm(tmp_path / "lm.ngram")
            made_up.score([made_up.encode(text) for text in sentences(20, 5)])


def test_sizes_are_checked_before_memory_is_taken(stored, tmp_path):
    body = re.sub(rb'"counts": \[\d+', b'"counts": [9999999999', stored[PREFIX.size :])
    header = len(body) - len(stored[PREFIX.size :]) + int.from_bytes(stored[12:16], "little")
    (tmp_path / "lm.ngram").write_bytes(with_body(stored, body, header))
    with pytest.raises(ModelError, match="damaged"):
        read_binary(tmp_path / "lm.ngram")


def test_words_that_cannot_be_read(tmp_path):
    model = pack(estimated(2))
    block = model.block.copy()
    block[model._bounds[-2]] ^= 255
    size = struct.unpack_from("<I", block, 12)[0]
    (tmp_path / "lm.ngram").write_bytes(
        with_body(block.tobytes(), block[PREFIX.size :].tobytes(), size)
    )
    read = read_lm(tmp_path / "lm.ngram")
    with pytest.raises(ModelError, match=r"lm\.ngram: the words of the language model are damaged"):
        assert read.words


def test_no_such_file(tmp_path):
    for read in (read_lm, read_binary):
        with pytest.raises(ModelError, match=r"cannot read the language model .*none: No such"):
            read(tmp_path / "none")


def test_the_first_bytes_tell_the_form(tmp_path):
    (tmp_path / "hand.arpa").write_text(HAND_MADE)
    ngrams = read_arpa(tmp_path / "hand.arpa")
    write_arpa(tmp_path / "a.bin", ngrams)
    write_arpa(tmp_path / "a.arpa.gz", ngrams)
    write_binary(tmp_path / "b.arpa", pack(ngrams))
    for name in ("a.bin", "a.arpa.gz", "b.arpa"):
        assert np.array_equal(read_lm(tmp_path / name).block, pack(ngrams).block)
    (tmp_path / "c").write_bytes(b"RIFF....WAVE")
    with pytest.raises(DataError, match="neither an ARPA file"):
        read_lm(tmp_path / "c")


def test_the_prefix():
    block = pack(estimated(1)).block.tobytes()
    magic, version, size, checksum = PREFIX.unpack(block[: PREFIX.size])
    assert (magic, version, block[8]) == (MAGIC, FORMAT_VERSION, 2)
    assert json.loads(block[PREFIX.size : PREFIX.size + size])["bits"] == 32
    assert checksum == zlib.crc32(block[PREFIX.size :])


def test_damage_in_an_old_file_has_the_name_of_the_file():
    data = np.frombuffer(to_old_bytes(estimated(1))[:-1], np.uint8)
    with pytest.raises(ModelError, match="old: the language model is damaged"):
        parse_old(data, "old")
