"""Noun chunks from a real spaCy pipeline, made here: an English tokenizer with tags and arcs set by rule."""

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import chunks

try:
    import spacy
    from spacy.language import Language
except ImportError:
    spacy = None

HEADS = {"cup": "NOUN", "owl": "NOUN", "top": "NOUN", "left": "NOUN", "a": "DET", "the": "DET", "red": "ADJ"}


def test_without_spacy_or_its_pipeline_both_ways_out_are_named():
    with pytest.raises(LadrError, match=r"(?s)ladr\[t2i\].*file of chunks"):
        chunks.from_spacy(["a red cup"], "no_such_pipeline")


@pytest.fixture
def pipeline(tmp_path):
    """A saved pipeline whose last step tags words and hangs each on the next noun."""
    if spacy is None:
        pytest.skip("the t2i extra is not installed")

    @Language.component("ladr_test_parser")
    def parser(doc):
        nouns = [t.i for t in doc if HEADS.get(t.lower_) == "NOUN"]
        for token in doc:
            token.pos_ = HEADS.get(token.lower_, "ADP")
            after = [i for i in nouns if i > token.i]
            head = after[0] if token.pos_ in ("DET", "ADJ") and after else nouns[0]
            token.head, token.dep_ = doc[head], {"DET": "det", "ADJ": "amod"}.get(token.pos_, "dep")
            if token.pos_ == "NOUN":
                token.dep_ = "ROOT" if token.i == nouns[0] else "pobj"
        return doc

    nlp = spacy.blank("en")
    nlp.add_pipe("ladr_test_parser")
    nlp.to_disk(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def test_chunks_come_from_spacy_without_mere_places(pipeline):
    found = chunks.from_spacy(["a red cup on the left of the owl", "the owl on top of a cup"], pipeline)
    assert found["a red cup on the left of the owl"] == ["a red cup", "the owl"]
    assert found["the owl on top of a cup"] == ["the owl", "a cup"]
