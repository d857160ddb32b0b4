"""The town that filters may be tuned on.

Needs: nothing.
"""
