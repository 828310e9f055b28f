"""Pieces of recordings, exact to the sample: the samples that a whole reading gives there.

Uncompressed samples are read, and FLAC is decoded, from where the piece begins. In every other
format no decoder finds a sample exactly, so that the recording is decoded from its beginning to the
end of the piece; pieces that share it are cut from the same decoded samples
(:mod:`asr.audio.shared`).
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import BinaryIO

import soundfile

from asr.audio.decoders import open_sound
from asr.audio.headers import LAID_OUT, SNIFFED, HeaderError, container_of
from asr.audio.inputs import Input, Piece, open_input
from asr.audio.laid_out import LaidOut, find_samples
from asr.audio.plain import convert
from asr.audio.sound import Block, Sound, check_limits
from asr.errors import AudioError

END_TOLERANCE = 0.05
"""The seconds by which a piece may end after its recording without a warning."""
_BLOCK = 1 << 16


def open_piece(piece: Piece, resources: ExitStack) -> Sound:
    """Return the sound of a piece.

    It begins and ends with the samples that are nearest to its times. If the recording ends within
    the piece, the sound is shorter.

    Raises:
        AudioError: the recording cannot be opened; while blocks are read: it ends before the piece
            begins.
    """
    sound = _sought(piece, resources)
    if sound is None and piece.shared is not None:
        sound = piece.shared.open(piece, resources)
    if sound is None:
        sound = open_sound(open_input(piece.path, resources))
        begin, end = piece.samples(sound.rate)
        sound.blocks = _cut(sound.blocks, begin, end)
        sound.frames = None
    sound.blocks = _checked(sound.blocks, piece, sound)
    return sound


def _sought(piece: Piece, resources: ExitStack) -> Sound | None:
    """Return the sound of a piece whose beginning can be found; None if it cannot."""
    given = open_input(piece.path, resources)
    if given.file is None:
        raise AudioError("a piece of a pipe cannot be read; store it in a file first")
    container = container_of(given.pipe.read(SNIFFED))
    if container in LAID_OUT:
        with suppress(HeaderError):  # another decoder may understand it
            found = find_samples(given.file)
            return _plain(piece, given.file, found) if found else None
    return _flac(piece, given) if container == "flac" else None


def _plain(piece: Piece, file: BinaryIO, found: LaidOut) -> Sound:
    layout = found.layout
    begin, end = piece.samples(layout.rate)
    end = found.frames if end is None else min(end, found.frames)

    def blocks() -> Iterator[Block]:
        for at in range(begin, end, _BLOCK):
            yield convert(found.read(file, at, min(at + _BLOCK, end)), layout)

    return Sound(layout.rate, layout.channels, None, blocks())


def _flac(piece: Piece, given: Input) -> Sound | None:
    """Return the sound of a piece of FLAC, None if libsndfile may not find it: it finds only what
    the header counts, and the recording may go on after that."""
    assert given.file
    given.file.seek(0)
    try:
        decoder = soundfile.SoundFile(given.file)
        given.resources.callback(decoder.close)
        begin, end = piece.samples(decoder.samplerate)
        if end is None or not begin <= end <= decoder.frames or decoder.seek(begin) != begin:
            return None
    except soundfile.SoundFileError:
        return None
    check_limits(decoder.samplerate, decoder.channels)
    blocks = _flac_blocks(decoder, end - begin)
    return Sound(decoder.samplerate, decoder.channels, None, blocks)


def _flac_blocks(decoder: soundfile.SoundFile, count: int) -> Iterator[Block]:
    done = 0
    while done < count:
        try:
            block: Block = decoder.read(min(_BLOCK, count - done), "float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise AudioError("damaged: decoding failed within the piece") from error
        if not len(block):
            return
        done += len(block)
        yield block


def _cut(blocks: Iterator[Block], begin: int, end: int | None) -> Iterator[Block]:
    """Yield the samples from ``begin`` to ``end`` of the blocks that follow one another."""
    first = 0
    for block in blocks:
        last = first + len(block)
        part = block[max(0, begin - first) : len(block) if end is None else max(0, end - first)]
        if len(part):
            yield part
        if end is not None and last >= end:
            return
        first = last


def _checked(blocks: Iterator[Block], piece: Piece, sound: Sound) -> Iterator[Block]:
    """Yield the blocks of a piece, and say if the recording ends within or before it."""
    count = 0
    for block in blocks:
        count += len(block)
        yield block
    begin, end = piece.samples(sound.rate)
    if begin == end:
        raise AudioError("there is no sample in it: it is shorter than the time between two")
    if not count:
        raise AudioError(f"there is no sample in it: the recording ends before {piece.start:g} s")
    if end is not None and begin + count + END_TOLERANCE * sound.rate < end:
        sound.warnings.append(
            f"the piece goes on to {end / sound.rate:.2f} s, but the recording ends at "
            f"{(begin + count) / sound.rate:.2f} s"
        )
