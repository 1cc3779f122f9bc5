"""From a graph and its layout to SVG, PNG, PDF, HTML and DOT."""
