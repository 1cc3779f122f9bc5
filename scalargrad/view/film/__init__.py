"""The forward and the backward pass, step by step."""
