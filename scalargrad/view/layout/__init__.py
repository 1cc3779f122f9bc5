"""Where boxes, lines and numbers go: Graphviz, or the built-in layout."""
