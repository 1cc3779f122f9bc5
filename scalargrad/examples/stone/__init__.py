"""Stone, Backprop: how it works (and how it fails)."""
