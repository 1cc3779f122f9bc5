"""Values and their local derivatives as formulas, in text and in LaTeX."""
