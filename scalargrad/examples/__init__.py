"""The worked examples of the lectures, each a small module that can be run, drawn and checked.

All are of one form: a text that says what it is, where it comes from, its data and what to look
for; `build`, the forward program; `run`, which computes; `report`, its numbers as text; `figures`,
its pictures. `catalogue` lists them by lecture.
"""
