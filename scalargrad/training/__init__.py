"""The training loop, and how it computes a step."""
