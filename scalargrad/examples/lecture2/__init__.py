"""Lecture 2, Error backpropagation."""
