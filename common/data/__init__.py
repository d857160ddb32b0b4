"""From raw bytes on a web server to documents a model can learn from (chapter 1).

Where a new line belongs; in brackets the private files and folders behind a module:

    a web of our own      town/, site (_mess/), library
    asking a server       robots, crawl (_fetch, _http_answer)
    files                 document (_lines), warc (_records, _unzipped, _members), sources (_source)
    bytes to text         encoding, blocks (_html), extract
    rules for pages       verdict (_english, _english_tables), quality (_phrases), repetition, c4,
                          fineweb, pii
    judges that learn     language (_languages/), labelled, classifier (_ngram_hits), calibration,
                          judges
    what was said before  minhash, lsh, dedup, decontaminate
    one run over all      steps, pipeline (_passes), receipt, run (_splits, _pool, _work, _ragged,
                          _decide, _describe, _publish), datasheet (_charts), datatrove_blocks
    this book's corpus    collect, corpus, score, mixture, batches
"""

from importlib import import_module

# What a reader types most, and the module it is in, which is imported when it is asked for:
# a batch of tokens needs no parser of HTML.
_HOME = {
    "Document": "document",
    "read_jsonl": "document",
    "write_jsonl": "document",
    "read_warc": "warc",
    "write_warc": "warc",
    "extract_text": "extract",
    "identify_language": "language",
    "TextClassifier": "classifier",
    "clean": "pipeline",
    "run_pipeline": "run",
    "minhash_dedup": "dedup",
}
__all__ = [*_HOME]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
