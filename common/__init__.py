"""What the seven chapters of "Build a Large Language Model from Scratch" graduate into."""

__version__ = "0.1.0"
