"""What is generated where a data set cannot be had: one module for each set's module, under the same name.

What belongs here: functions of a seed that return what the set's reader returns, for the quick profile and for readers
without the file. What does not: reading, finding or downloading the real thing.
"""
