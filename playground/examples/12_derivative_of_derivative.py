# A derivative is a graph, too
import scalargrad as sg
from scalargrad import Value


def f(x):
    return sg.tanh(x) * x


x = Value(0.8)
slope = sg.grad(f)(x)  # a Value: the graph that computes the derivative
slope.backward()  # so it can be differentiated once more

print(f"f'({x.data}) = {slope.data:.5f},  f''({x.data}) = {x.grad:.5f}")
