"""The commands behind `python -m utils`: what handles notebooks as files. Nothing here is imported by a notebook."""
