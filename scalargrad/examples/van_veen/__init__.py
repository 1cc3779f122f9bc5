"""Van Veen, The backpropagation algorithm for training neural networks."""
