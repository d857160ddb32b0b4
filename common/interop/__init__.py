"""Weights in Hugging Face's layout, both ways: load what is published, save what others load.

Needs: load.py, save.py.
"""

from .load import load_pretrained
from .save import save_pretrained

__all__ = ["load_pretrained", "save_pretrained"]
