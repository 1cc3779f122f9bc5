"""Pictures of graphs, films of the backward pass, and derivatives explained."""
