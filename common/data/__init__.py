"""From raw bytes on a web server to documents a model can learn from (chapter 1)."""
