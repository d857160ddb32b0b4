"""Cleaning: documents a second for near-duplicates and quality rules, on the town's own pages."""

from common.data import town
from common.data.minhash import near_duplicates
from common.data.quality import gopher_quality_filter
from tests.benchmarks.measure import report, seconds

texts = ["\n\n".join(page.paragraphs) for page in town.pages(2000, seed=0)]
megabytes = sum(len(text.encode()) for text in texts) / 1e6

spent = seconds(lambda: near_duplicates(texts))
report("minhash", docs_per_s=len(texts) / spent, mb_per_s=megabytes / spent)
spent = seconds(lambda: [gopher_quality_filter(text) for text in texts])
report("gopher quality", docs_per_s=len(texts) / spent, mb_per_s=megabytes / spent)
