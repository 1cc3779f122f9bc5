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
# A number that remembers how it was computed: that is the whole idea. From such numbers you get
# gradients, pictures of the chain rule, and small networks that learn. Every result is shown below
# its cell, so you can read this page without running anything. It is more fun to run it: start at
# the top, change the numbers, and run the cells again. It takes ten minutes.
#
# Now and then a question asks you to predict a result before you run the next cell. Take the time:
# it is the fastest way to find out whether you have understood.

# %%
import random

import scalargrad as sg
from scalargrad import Value, losses, nn, optim, plot

# %% [markdown]
# ## One formula
#
# `Value` wraps a number. You compute with it as with any other number, and the result knows how it
# was made:

# %%
a = Value(2.0)
b = a * a + 1.0
b.data, b.op, b.parents

# %% [markdown]
# `backward` asks the question the other way round: if one of the inputs changed a little, how much
# would the result change? The answer is each input's `grad`, the derivative of the result by it.
#
# **Predict, then run:** $b = a^2 + 1$ at $a = 2$. What is $\partial b / \partial a$?

# %%
b.backward()
a.grad

# %% [markdown]
# <details><summary>Answer</summary>
#
# $\partial b / \partial a = 2a = 4$. The node `a` is used twice in `a * a`. Each use contributes
# one $a$, and the two contributions are added.
#
# </details>
#
# Here are two inputs, and a result that depends on one of them in two ways:

# %%
x = Value(3.0, label="x")
y = Value(-2.0, label="y")
z = x * y + y**2
z.label = "z"
z.backward()
x.grad, y.grad

# %% [markdown]
# By hand: $\partial z / \partial x = y = -2$ and $\partial z / \partial y = x + 2y = -1$. The
# picture shows where these numbers come from. Each edge is labelled with a local derivative. To get
# a gradient, multiply the local derivatives along each path to the result, and add up the paths.
# There are two paths from `y` to `z`.

# %%
sg.draw(z)

# %% [markdown]
# The film shows the same step by step. The forward pass computes each number from its inputs; the
# backward pass hands each gradient back to the inputs. Press *Play*, or use the arrow keys.

# %%
sg.steps(z)

# %% [markdown]
# And here it is in formulas, first by the chain rule, then path by path:

# %%
sg.explain(z, y)

# %% [markdown]
# **Try it:** set `y = Value(0.0, label="y")` and run the last four cells again. One of the two
# paths from `y` now contributes nothing. Which one?
#
# <details><summary>Answer</summary>
#
# The path through $y^2$: its local derivative is $2y = 0$. The path through $x y$ still has the
# local derivative $x = 3$, so $\partial z / \partial y = 3 + 0 = 3$.
#
# </details>
#
# **Predict, then run:** what does `x.grad` say if you call `z.backward()` a second time?

# %%
z.backward()
x.grad

# %% [markdown]
# <details><summary>Answer</summary>
#
# $-4$, twice the gradient. `backward` *adds* to `grad`, as PyTorch does, so that the gradients of
# several samples can be summed. A training loop therefore clears them before each step, with
# `zero_grad`.
#
# </details>
#
# ## A function
#
# If you prefer plain functions of plain numbers, use `grad`. It returns the derivative as a
# function, so you can apply it again.


# %%
def f(x):
    return sg.sin(x) / x


[f(2.0), sg.grad(f)(2.0), sg.grad(sg.grad(f))(2.0)]

# %% [markdown]
# Is that right? `check_grads` compares with differences of function values and raises an error if
# they disagree. A numerical derivative has fewer correct digits than the exact one:

# %%
sg.check_grads(f, (2.0,), order=2)
sg.numerical_grad(f, 2.0)

# %% [markdown]
# ## A neuron
#
# A neuron multiplies its inputs by weights, adds them up, and applies an activation function:
# $a = \tanh(w_1 x_1 + w_2 x_2 + b)$. The weighted sum is one node, `dot`. If you pass the neuron as
# `model`, the picture names its parameters and gives them a double border.

# %%
random.seed(4)
neuron = nn.Neuron(2, "tanh")
a = neuron([1.0, -1.0])
a.backward()
sg.draw(a, model=neuron)

# %% [markdown]
# ## A network that learns
#
# "One or the other, but not both" (XOR) is not linearly separable: no straight line has the two
# ones on one side and the two zeros on the other, so a single neuron cannot learn it. A layer of
# eight neurons followed by one more can. `fit` repeats three steps: the forward pass, the backward
# pass, and one small step against the gradient.

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
# **Predict, then draw:** what does the network answer between the four samples? Sketch the region
# where you expect more than one half.

# %%
plot.decision_boundary(model, X, Y, threshold=0.5)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The shaded region, where the network answers more than one half, contains the samples (0, 1) and
# (1, 0). Its boundary is not a straight line. Only the four samples decide where it runs; anything
# in between is the network's own guess, and another random start gives another shape.
#
# </details>
#
# All four samples, the network and the loss form one graph. It is too large to read, so the picture
# draws each part of the network as one box; `expand="layers.0"` opens a layer.

# %%
loss = losses.squared_error([model(x) for x in X], Y)
loss.backward()
sg.draw(loss, model=model, max_nodes=12, rankdir="TB")

# %% [markdown]
# **Try it:** give the hidden layer one neuron instead of eight, and train for 5,000 epochs. What do
# the four outputs settle on, and why is there nothing better?

# %%
random.seed(2)
small = nn.MLP(2, [1, 1], activation="tanh")
optimizer = optim.SGD(small.parameters(), lr=0.1)
sg.fit(small, X, Y, losses.squared_error, optimizer, epochs=5000)
[round(small(x).data, 3) for x in X]

# %% [markdown]
# <details><summary>Answer</summary>
#
# One output is right, and the other three are all about 0.667. A single hidden neuron divides the
# plane by one straight line. The best it can do is to separate one sample from the other three, and
# these three then share one output. The squared error is least at the mean of their targets: 2/3
# for targets 0, 1 and 1. Another start may separate another sample and settle on 1/3.
#
# </details>
#
# ## The same, much faster
#
# Python builds the same graph again for every sample and every step. `sg.compile` records the
# function of *one* sample once, and replays the record for all samples together. The program of a
# small function is easy to read, with one instruction on each line:

# %%
print(sg.compile(lambda x, y: (sg.tanh(x) - y) ** 2, backend="python").record(0.5, 1.0))

# %%
one = sg.compile(lambda x, y: losses.squared_error(model(x), y), params=model.parameters())
value, gradient = one.value_and_grad(X, Y)
value, gradient[:3]

# %% [markdown]
# `one.backward` adds the same derivatives to the parameters' `grad`, so a training loop does not
# have to change. `fit` replays automatically when there is enough work.
#
# **Try it:** let the function branch: `model(x) if x[0] > 0.5 else -model(x)`. How many recordings
# does it make, and why?


# %%
def branching(x, y):
    output = model(x) if x[0] > 0.5 else -model(x)
    return losses.squared_error(output, y)


two_ways = sg.compile(branching, params=model.parameters())
two_ways.value_and_grad(X, Y)
two_ways.recordings

# %% [markdown]
# <details><summary>Answer</summary>
#
# Two: one for each way through the function. A record is a list of operations without an `if`. The
# comparison `x[0] > 0.5` is recorded as a condition, and when a sample does not meet it, the
# function is recorded once more.
#
# </details>
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
# And [Scalars at work](06_scalars_at_work.ipynb) shows what derivatives are good for outside
# networks: fits, option prices, a robot's arm.
#
# All examples also run without a notebook. In a terminal, `python -m scalargrad list` shows them,
# and `python -m scalargrad run simplest_network --save pictures` explains one, prints its numbers
# and saves its pictures.
