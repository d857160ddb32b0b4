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
