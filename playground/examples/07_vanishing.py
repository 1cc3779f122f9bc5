# Gradients that vanish: six sigmoids in a row
import scalargrad as sg
from scalargrad import Value

# The slope of a sigmoid is at most 1/4. So six of them in a row pass on
# (1/4)^6 = 0.0002 at most. Try sg.tanh, or a larger w.
x, w = Value(0.5), Value(1.0)

a = x
for _ in range(6):
    a = sg.sigmoid(w * a)

a.backward()
print(f"da/dx = {x.grad:.2e}")
