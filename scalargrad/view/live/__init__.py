"""The live graph: numbers that one moves, and all values, gradients and colours follow."""
