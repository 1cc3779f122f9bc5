"""Draws the pictures of the README, by the built-in layout: python docs/make_pictures.py"""

from pathlib import Path

import scalargrad as sg
from scalargrad.examples import seven_node

if __name__ == "__main__":
    net = seven_node.build()
    net.E.backward()
    sg.draw(net.E, engine="builtin").save(Path(__file__).with_name("seven_node.svg"))
