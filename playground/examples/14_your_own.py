# Your own program
import scalargrad as sg
from scalargrad import Value

a = Value(2.0)
b = Value(-3.0)
c = a * b + sg.exp(a)

# Drawn is the last Value; show(b) draws another one.
