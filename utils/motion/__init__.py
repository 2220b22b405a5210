"""Clips that are generated: moving balls and stick figures, as arrays of frames, the same for the same seed.

What belongs here: the making of clips and their labels, in NumPy alone. Drawing them for a reader is `utils.plots`;
reading real videos is `utils.videos`.
"""
