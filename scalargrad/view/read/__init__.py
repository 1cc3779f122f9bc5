"""Read values as the boxes and edges of a picture: the role of each value, and its box."""
