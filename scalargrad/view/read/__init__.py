"""From values to the boxes and edges of a picture: what each value is, and what shares a box."""
