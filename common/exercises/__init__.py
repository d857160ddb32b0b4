"""Checks of the chapters' coded exercises: each says what is wrong, and where to look for it."""
