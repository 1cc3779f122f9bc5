# A line through three points: shared weights
from scalargrad import Value

points = [(-1.0, -0.8), (0.5, 1.1), (2.0, 2.3)]
slope, offset = Value(0.5), Value(0.0)

# Both weights are used by every point; their gradients are sums over
# the points. Move them until the loss is smallest: the gradients are 0.
loss = sum((slope * x + offset - y) ** 2 for x, y in points)
