# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here
#
# A number that remembers where it came from: that is all there is to it. From such numbers come
# gradients, pictures of the chain rule, and small networks that learn. Run the cells from the top;
# change the numbers and run them again. It takes ten minutes.

# %%
import random

import scalargrad as sg
from scalargrad import Value, losses, nn, optim, plot

# %% [markdown]
# ## One formula
#
# `Value` wraps a number. Compute with it as with any other. It is a number still, but it knows how
# it was made:

# %%
a = Value(2.0)
b = a * a + 1.0
b.data, b.op, b.parents

# %% [markdown]
# `backward` asks the other way round: how much would the result change with each number that went
# in? The answer is in their `grad`.

# %%
x = Value(3.0, label="x")
y = Value(-2.0, label="y")
z = x * y + y**2
z.label = "z"
z.backward()
x.grad, y.grad

# %% [markdown]
# By hand: $\partial z / \partial x = y = -2$ and $\partial z / \partial y = x + 2y = -1$. The
# picture shows where these come from: each edge bears a local derivative, and a gradient is the
# sum, over all ways to the result, of the products along the way. `y` has two ways.

# %%
sg.draw(z)

# %% [markdown]
# The same as a film: forward it shows how each number came about, backward what each value passes
# on to those it was made from. Press *Play*, or step with the arrow keys.

# %%
sg.steps(z)

# %% [markdown]
# And in formulas: by the chain rule, and way by way.

# %%
sg.explain(z, y)

# %% [markdown]
# **Try it:** set `y = Value(0.0)`. One of the two ways into `y` then carries nothing. Which one?
#
# ## A function
#
# Who prefers plain functions of plain numbers takes `grad`. It can be applied again.


# %%
def f(x):
    return sg.sin(x) / x


[f(2.0), sg.grad(f)(2.0), sg.grad(sg.grad(f))(2.0)]

# %% [markdown]
# Is that right? Differences of values agree, to as many digits as they can:

# %%
sg.check_grads(f, (2.0,), order=2)
sg.numerical_grad(f, 2.0)

# %% [markdown]
# ## A neuron
#
# The neuron multiplies, adds and bends: $a = \tanh(w_1 x_1 + w_2 x_2 + b)$. Its weighted sum is one
# node, `dot`. Told whose parameters these are, the picture names them, and gives them a double
# border.

# %%
random.seed(4)
neuron = nn.Neuron(2, "tanh")
a = neuron([1.0, -1.0])
a.backward()
sg.draw(a, model=neuron)

# %% [markdown]
# ## A network that learns
#
# "One or the other, but not both" is what a single neuron cannot learn. Eight side by side, and one
# behind them, can. `fit` repeats: forward, backward, one small step downhill.

# %%
X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
Y = [0.0, 1.0, 1.0, 0.0]
random.seed(1)
model = nn.MLP(2, [8, 1], activation="tanh")
optimizer = optim.SGD(model.parameters(), lr=0.1)
sg.fit(model, X, Y, losses.squared_error, optimizer, epochs=500)

# %%
[round(model(x).data, 3) for x in X]

# %% [markdown]
# What does it answer between the four samples? Shaded is where it says more than one half. A single
# neuron can only draw one straight line; this one bends.

# %%
plot.decision_boundary(model, X, Y, threshold=0.5)

# %% [markdown]
# All four samples, the network and the loss are one graph. It is too large to read, so the picture
# puts what belongs together into one box; `expand="layers.0"` opens a layer.

# %%
loss = losses.squared_error([model(x) for x in X], Y)
loss.backward()
sg.draw(loss, model=model, max_nodes=12, rankdir="TB")

# %% [markdown]
# **Try it:** give the hidden layer one neuron instead of eight, and 5,000 epochs. What do the four
# outputs settle on, and why is there nothing better?

# %% [markdown]
# ## The same, much faster
#
# Python builds the graph anew for every sample and every step, though it is always the same.
# `sg.compile` records the function of *one* sample once, and replays it for all samples at once.
# The program of a small function can be read: one instruction a line.

# %%
print(sg.compile(lambda x, y: (sg.tanh(x) - y) ** 2, backend="python").record(0.5, 1.0))

# %%
one = sg.compile(lambda x, y: losses.squared_error(model(x), y), params=model.parameters())
value, gradient = one.value_and_grad(X, Y)
value, gradient[:3]

# %% [markdown]
# `backward` adds the same derivatives to the parameters' `grad`, so a training loop stays as it is.
# `fit` replays by itself where there is much to do.
#
# **Try it:** let the function branch, `model(x) if x[0] > 0.5 else -model(x)`. How many recordings
# are there now (`one.recordings`), and why?
#
# ## Where to go from here
#
# Each of these notebooks follows one lecture, with its examples, its pictures, and its slips:
#
# - [How it works](01_how_it_works.ipynb), and how it fails: from one weight to networks
# - [Stochastic gradient descent](02_stochastic_descent.ipynb): one sample at a time, and two tricks
# - [Learning representations](03_learning_representations.ipynb): rain, momentum, matrices
# - [Five equations](04_five_equations.ipynb): all of back-propagation on one page
# - [Error backpropagation](05_error_backpropagation.ipynb): from the perceptron to attention
#
# All examples run without a notebook, too. In a terminal, `python -m scalargrad list` shows them,
# and `python -m scalargrad run simplest_network --save pictures` runs one and keeps its pictures.
