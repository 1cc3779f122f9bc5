# Gradient descent: two hundred steps downhill
from scalargrad import Value

x, y = Value(-1.0), Value(1.5)

for step in range(201):
    f = (1 - x) ** 2 + 2 * (y - x**2) ** 2
    x.grad = y.grad = 0.0
    f.backward()
    if step % 25 == 0:
        print(f"step {step:3}: f({x.data:6.3f}, {y.data:6.3f}) = {f.data:.6f}")
    x.data -= 0.05 * x.grad
    y.data -= 0.05 * y.grad

# What is drawn is the last step. Its gradients are nearly 0.
