# The chain rule on one line
import scalargrad as sg
from scalargrad import Value

# Each edge shows a local derivative. The derivative of y by x is the
# product of those on the way from x to y. Move x and look.
x = Value(0.5)
y = sg.sin(x**2)
