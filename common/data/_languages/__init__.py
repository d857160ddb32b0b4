"""What language.py knows of each language: its script, its frequent words, how they are spelled.

A new language is a new list of words, in the file of its script.

Needs: nothing.
"""
