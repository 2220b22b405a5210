"""Grading: student versions of the assignments, and submissions that are graded without being trusted.

What belongs here: the sandbox in which a submission runs, the grading of one and of many submissions. Nothing here is
imported by a notebook; `python -m utils assignments` and `python -m utils grade` are its front doors.
"""
