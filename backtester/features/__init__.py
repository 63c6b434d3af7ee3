"""Streaming features of the market: O(1) per event, plain Python that compiles, no account in reach.

A feature is a class of fields (its memory and what it publishes) and a `see_*` function that takes the
feature's record and what became known. What it cannot know is NaN. D1 .. D24 are the project's definitions, A1 .. and
B1 .. the claims of the two posts it measures: A the spot-led rally, B the doors.
"""
