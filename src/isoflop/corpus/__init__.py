"""Text -> token files, and batches from them.

build_corpus   reads, cleans, drops duplicates, splits, packs; does nothing when the corpus stands already
load_corpus    maps a built corpus
TokenBatches   sequences as a pure function of seed and position
"""

from isoflop.corpus.batches import TokenBatches, windows_of
from isoflop.corpus.build import VAL_FRACTION, build_corpus
from isoflop.corpus.corpus import Corpus, check_epochs, load_corpus, load_tokenizer
from isoflop.corpus.sources import CorpusSources
from isoflop.corpus.tokenizer import Tokenizer

__all__ = [
    "VAL_FRACTION",
    "Corpus",
    "CorpusSources",
    "TokenBatches",
    "Tokenizer",
    "build_corpus",
    "check_epochs",
    "load_corpus",
    "load_tokenizer",
    "windows_of",
]
