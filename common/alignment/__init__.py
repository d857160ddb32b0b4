"""From a model that continues text to one that answers: chat template, SFT, DPO, evaluation.

Needs: nothing.
"""
