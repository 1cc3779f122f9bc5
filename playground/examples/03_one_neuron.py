# One neuron: weights, bias, activation
import scalargrad as sg
from scalargrad import Value

x = [Value(2.0), Value(-1.0)]
w = [Value(0.7), Value(0.4)]
b = Value(-0.5)

z = w[0] * x[0] + w[1] * x[1] + b
a = sg.tanh(z)

# Move b until z is 3 or so: tanh is flat there, and all gradients fade.
