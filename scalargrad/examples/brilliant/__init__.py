"""Brilliant, Backpropagation."""
