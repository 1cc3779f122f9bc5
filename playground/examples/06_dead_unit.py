# A dead unit: where no gradient passes
import scalargrad as sg
from scalargrad import Value

x = Value(1.0)
w1, w2 = Value(-2.0), Value(1.5)

h1 = sg.relu(w1 * x)  # the sum is negative: 0, and its slope is 0, too
h2 = sg.relu(w2 * x)
y = h1 + h2

y.backward()
print(f"dy/dw1 = {w1.grad:g}: w1 learns nothing")
print(f"dy/dw2 = {w2.grad:g}")

# Move w1 above 0, and the unit wakes up.
