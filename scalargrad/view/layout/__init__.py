"""Coordinates for boxes, lines and labels: by Graphviz, or by the built-in layout."""
