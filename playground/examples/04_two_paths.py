# Two paths: gradients add up
import scalargrad as sg
from scalargrad import Value

# x is used twice. What flows back to it is the sum over both paths:
# click x, and see each of them.
x = Value(1.2)
left = x * x
right = sg.exp(-x)
y = left * right
