# An operation of your own
import scalargrad as sg
from scalargrad import Value

# Its value, a function of floats, and its local derivative, written with
# the functions of the library, so that it can be differentiated again
swish2 = sg.primitive(
    "swish2",
    lambda x: x * sg.sigmoid(2 * x),
    lambda x, out: (sg.sigmoid(2 * x) + 2 * out * (1 - sg.sigmoid(2 * x)),),
)

x, w = Value(0.7), Value(-1.3)
y = swish2(w * x)
sg.check_grads(swish2, (0.4,))  # raises an error if the derivative is wrong
