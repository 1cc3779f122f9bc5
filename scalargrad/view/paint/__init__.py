"""Paint a graph with its layout as one scene, and write it as SVG, PNG, PDF, HTML or DOT."""
