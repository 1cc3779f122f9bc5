# Attention: a query looks at two keys
import scalargrad as sg
from scalargrad import Value

query = [Value(1.0), Value(0.5)]
keys = [[Value(0.8), Value(-0.3)], [Value(-0.5), Value(0.9)]]
values = [Value(2.0), Value(-1.0)]

scores = [sg.dot(query, key) for key in keys]
weights = sg.softmax(scores)
out = sg.dot(weights, values)

# Move query[0]: the weights shift from one key to the other.
