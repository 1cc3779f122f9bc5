# Seven nodes: the worked example of back-propagation
import scalargrad as sg
from scalargrad import Value

# Two inputs, four neurons with tanh, one output; the target is +1
x1, x2, t = Value(0.5), Value(-1.0), 1
w13, w23, w24 = Value(0.6), Value(-0.4), Value(0.9)
w35, w36, w46 = Value(-0.7), Value(0.8), Value(0.3)
w57, w67 = Value(1.1), Value(-0.5)

a3 = sg.tanh(x1 * w13 + x2 * w23)
a4 = sg.tanh(x2 * w24)
a5 = sg.tanh(a3 * w35)
a6 = sg.tanh(a3 * w36 + a4 * w46)
z7 = a5 * w57 + a6 * w67

E = sg.relu(-z7 * t)  # the perceptron's error: 0 on the right side
E.backward()

print(f"E = {E.data:.4f}")
print(f"dE/dw13 = {w13.grad:.4f}: the sum over both ways from a3 to z7")
