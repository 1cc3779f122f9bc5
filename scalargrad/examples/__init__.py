"""The worked examples, of the lectures and of work, each a module to run, draw and check.

All are of one form: a text that says what it is, where it comes from, its data and what to look
for; `build`, the forward program; `run`, which computes; `report`, its numbers as text; `figures`,
its pictures. `catalogue` lists them.
"""
