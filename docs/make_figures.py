"""Draw the README's figures with matplotlib.

Separate from make_pictures.py, since another release of matplotlib may draw them slightly
differently: no check compares them with the source.
"""

from pathlib import Path

from scalargrad.examples.catalogue import example

FIGURES = (("two_inputs", "surface"), ("network_at_work", "sequence"))

if __name__ == "__main__":
    for name, key in FIGURES:
        chosen = example(name)
        chosen.figures(chosen.run())[key].save(Path(__file__).parent / f"{name}.png")
