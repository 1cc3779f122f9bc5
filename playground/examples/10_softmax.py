# Softmax and cross-entropy: the gradient is p - t
import scalargrad as sg
from scalargrad import Value

logits = [Value(2.0), Value(0.5), Value(-1.0)]
p = sg.softmax(logits)
loss = -sg.log(p[0])  # the first class is the right one

loss.backward()
for i, z in enumerate(logits):
    print(f"p[{i}] = {p[i].data:.4f}   gradient of logit {i} = {z.grad:+.4f}")
