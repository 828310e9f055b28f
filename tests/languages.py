"""Sentences in four scripts, for tests of the texts that models write."""

GERMAN = (
    "Die Straße führt über den Fluss.",
    "Größere Bäume stehen hinter dem Haus.",
    "Schöne Grüße aus München!",
    "Wir heißen Jörg und Käthe.",
    "Äpfel, Öl und Übermut",
    "Der Fuß im Süden war müde.",
)
GREEK = (
    "Ο ΟΔΗΓΟΣ ΤΗΣ ΠΟΛΗΣ",
    "Καλημέρα σας, φίλοι μου.",
    "Ο σκύλος έφυγε από τον κήπο.",
    "Τι ώρα είναι τώρα;",
    "Οι δρόμοι της Αθήνας",
    "Η θάλασσα είναι ήσυχη σήμερα.",
)
HINDI = (
    "मैं कल बाज़ार गया था।",
    "यह लड़का बहुत अच्छा है।",
    "क्या आप हिन्दी पढ़ते हैं?",
    "बारिश में सड़क भीग गई।",
    "विद्यालय की पुस्तक",
    "उसने ज़ोर से दरवाज़ा खोला।",
)
JAPANESE = (
    "今日は天気がいいです。",
    "ｶﾒﾗを買いました。",
    "東京へ行きます。",
    "今日は東京で会議があります。",
    "明日も天気がいいでしょう。",
    "パソコンとデータベースを買います。",
)
SPACED = {"German": GERMAN, "Greek": GREEK, "Hindi": HINDI}
ALL = {**SPACED, "Japanese": JAPANESE}


def vocabulary_of(name, unit):
    """Return the vocabulary that a run on a language's sentences gets, and these in its form."""
    from asr.text import Vocabulary, normalize
    from asr.training.config import DataConfig
    from asr.training.subwords import learn_pieces

    form, spaced = ("NFKC", False) if name == "Japanese" else ("NFC", True)
    texts = [normalize(text, form) for text in ALL[name]]
    if unit == "character":
        return Vocabulary.from_characters("".join(texts), form, spaced), texts
    pieces = len(set("".join(texts))) + 3
    config = DataConfig(unit="piece", pieces=pieces, unicode=form, spaced=spaced)
    return learn_pieces(texts, config), texts
