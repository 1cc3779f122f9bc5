"""Functions of functions: derivatives of plain functions of numbers, and the check of them."""
