"""The litter and the layouts of two invented towns, from which site.py makes messy pages.

TUNING is the mess that the filters of this chapter are tuned on; no filter was tuned on KEPT, whose
sentences, tricks and layouts are others. Each town is a folder of the same five files: layout.py
(HTML), spam.py, toxic.py, foreign.py and litter.py (all other mess, and the town as one value). A
town's words go there, what both towns do goes into the files beside this one.

Needs: mess.py, kept/litter.py, tuning/litter.py.
"""

from .kept.litter import KEPT
from .mess import Link, Mess, Parts
from .tuning.litter import TUNING

__all__ = ["KEPT", "TUNING", "Link", "Mess", "Parts"]
