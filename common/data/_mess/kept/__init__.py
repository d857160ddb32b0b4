"""The town that measures how well cleaning works on what nobody has seen: tune nothing on it.

Needs: nothing.
"""
