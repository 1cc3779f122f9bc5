# A network of two layers, and its loss
import random

from scalargrad import Value, losses, nn

random.seed(4)
net = nn.MLP(2, [3, 1], activation="tanh")

x = [Value(1.0), Value(-0.5)]
out = net(x)
loss = losses.squared_error(out, 1.0)
loss.backward()

print("parameter                 value  gradient")
for name, p in net.named_parameters():
    print(f"{name:22} {p.data:8.4f} {p.grad:9.4f}")
