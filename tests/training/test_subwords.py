"""Texts are divided into pieces as sentencepiece, which learned them, divides them."""

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from languages import ALL, GERMAN, vocabulary_of

from asr.errors import DataError
from asr.text import BLANK, Vocabulary, normalize
from asr.training.config import DataConfig
from asr.training.subwords import keep_pieces, kept_pieces, learn_pieces

LEARNED = {name: vocabulary_of(name, "piece") for name in ALL}


def processor_of(vocabulary):
    """Return sentencepiece with the same pieces, which go into a file of its own format."""
    from sentencepiece import sentencepiece_model_pb2 as format

    model = format.ModelProto()
    model.trainer_spec.model_type = format.TrainerSpec.UNIGRAM
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = vocabulary.spaced
    model.pieces.add(piece="<unk>", score=0.0, type=format.ModelProto.SentencePiece.UNKNOWN)
    for token, score in zip(vocabulary.tokens[1:], vocabulary.scores[1:], strict=True):
        model.pieces.add(piece=token, score=score)
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


@pytest.mark.parametrize("name", ALL)
def test_texts_are_divided_as_sentencepiece_divides_them(name):
    vocabulary, texts = LEARNED[name]
    processor = processor_of(vocabulary)
    letters = sorted(set("".join(texts)))

    def spelled(text):
        return not vocabulary.unknown_characters(text)  # NFC may make a third letter of two

    @given(st.text(letters, max_size=60).map(vocabulary.normalize).filter(spelled))
    def on_random_texts(text):
        ids = vocabulary.encode(text)
        pieces = [vocabulary.tokens[id] for id in ids]
        assert pieces == processor.encode(text, out_type=str)
        assert vocabulary.decode(ids) == processor.decode(pieces) == text

    on_random_texts()
    assert any(len(processor.encode(text)) < len(text) for text in texts)


def test_all_pieces_are_there_and_no_others():
    for name, (vocabulary, texts) in LEARNED.items():
        letters = set("".join(texts))
        assert len(vocabulary) == 1 + len(letters) + 3, name
        assert vocabulary.tokens[0] == BLANK
        assert letters - {" "} <= set(vocabulary.tokens)
        assert (vocabulary.space_id is None) == (name == "Japanese")


def test_characters_of_the_configuration_are_symbols_too():
    texts = [normalize(text) for text in GERMAN]
    vocabulary = learn_pieces(texts, DataConfig(pieces=40, characters="abcdefghijklmnopqrstuvwxyz"))
    assert not vocabulary.unknown_characters("quax")


@pytest.mark.parametrize(
    ("pieces", "texts", "message"),
    [
        (9, ["yes no"], "data.pieces is 9; the training texts give 6 at most"),
        (2, ["yes no"], "data.pieces is 2; the characters of the training texts alone are 6"),
        (9, [""], "cannot learn them from the training texts"),
    ],
)
def test_numbers_of_pieces_that_cannot_be(pieces, texts, message):
    with pytest.raises(DataError, match=message):
        learn_pieces(texts, DataConfig(pieces=pieces))


def test_a_run_keeps_its_pieces(tmp_path):
    vocabulary, _ = LEARNED["Japanese"]
    config = DataConfig(unicode="NFKC", spaced=False)
    keep_pieces(tmp_path, vocabulary)
    assert kept_pieces(tmp_path, config) == vocabulary
    with pytest.raises(DataError, match="train without --resume"):
        kept_pieces(tmp_path / "elsewhere", config)


@pytest.mark.parametrize(
    ("tokens", "scores", "message"),
    [
        ((BLANK, "▁", "a"), (0, -1), "3 symbols need as many"),
        ((BLANK, "▁", "a"), (0, -1, float("nan")), "finite"),
        ((BLANK, "a", "ab"), (0, -1, -1), "need the symbol '▁'"),
        ((BLANK, "▁", "a", "ab"), (0, -1, -1, -1), "needs the symbol 'b' too"),
        ((BLANK, "▁", "a", "a▁"), (0, -1, -1, -1), "at the beginning"),
        ((BLANK, "▁", ""), (0, -1, -1), "at the beginning"),
    ],
)
def test_pieces_that_are_no_vocabulary(tokens, scores, message):
    with pytest.raises(DataError, match=message):
        Vocabulary(tokens, scores)


def test_the_mark_of_words_is_no_character_of_a_text():
    vocabulary, _ = LEARNED["German"]
    assert vocabulary.unknown_characters("der ▁ fuß") == ["▁"]
    with pytest.raises(DataError, match="'▁'"):
        vocabulary.encode("der▁fuß")
