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
# # Seven nodes
#
# The second of four notebooks on *Lecture 2, Error backpropagation*; it follows [the perceptron
# and what a gradient costs](05_error_backpropagation.ipynb). Here is the lecture's worked
# example, by hand, once, with every number. Then the same as matrices, and with shared
# parameters.

# %%
import math

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.lecture2 import seven_node

# %% [markdown]
# ## Seven nodes
#
# Two inputs, four tanh units, one linear output; and $E = \max(0, -z_7 t)$, the error of the
# perceptron.

# %%
net = seven_node.build()
net.E.backward()
pictures = seven_node.figures(net)
pictures["network"]

# %% [markdown]
# The forward pass goes from left to right. Here it is as plain Python:

# %%
x1, x2 = seven_node.INPUTS
w = dict(seven_node.WEIGHTS)
t, g = 1.0, math.tanh

a3 = g(x1 * w["13"] + x2 * w["23"])
a4 = g(x2 * w["24"])
a5 = g(a3 * w["35"])
z6 = a3 * w["36"] + a4 * w["46"]
a6 = g(z6)
z7 = a5 * w["57"] + a6 * w["67"]
E = max(0.0, -z7 * t)
print(f"z7 = {z7:.6f}, E = {E:.6f}")

# %% [markdown]
# (Two of the slide's equations are named $a_6$ and $a_7$, but define sums: these are $z_6$ and
# $z_7$.) Each slide is titled with the lines that it adds:

# %%
pictures["forward"]

# %% [markdown]
# $z_7 = -0.57$ while $t = +1$: the point is on the wrong side, so $E = 0.57$, and there is
# something to learn.
#
# The *backward pass* starts with $\delta_7 = \partial E / \partial z_7 = -t$. Then come the
# weights into node 7; then the nodes before it; and so on.
#
# **Predict, then run:** node 3 leads to nodes 5 and 6. How many terms has $\delta_3$? Write it
# down before you look.


# %%
def slope(a):  # g' by what g gave: tanh' = 1 - tanh²
    return 1 - a * a


d7 = -t if -z7 * t > 0 else 0.0
d6, d5 = d7 * w["67"], d7 * w["57"]
d4 = d6 * slope(a6) * w["46"]
d3 = d5 * slope(a5) * w["35"] + d6 * slope(a6) * w["36"]
by_hand = {
    "67": d7 * a6, "57": d7 * a5,
    "46": d6 * slope(a6) * a4, "36": d6 * slope(a6) * a3, "35": d5 * slope(a5) * a3,
    "24": d4 * slope(a4) * x2, "23": d3 * slope(a3) * x2, "13": d3 * slope(a3) * x1,
}  # fmt: skip
for name, number in by_hand.items():
    print(f"∂E/∂w{name} = {number:+.9f}   the engine: {net.w[name].grad:+.9f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Two: one for each node that it leads to,
# $\delta_3 = \delta_5\, g'(z_5)\, w_{35} + \delta_6\, g'(z_6)\, w_{36}$.
#
# </details>

# %%
pictures["backward"]

# %% [markdown]
# Everything that a line needs has been computed before. The engine says the same in words and
# numbers:

# %%
sg.explain(net.E, net.w["13"])

# %% [markdown]
# And so it looks as a graph, with the value and the gradient of each node:

# %%
pictures["graph"]

# %% [markdown]
# You may go through it at your own pace:

# %%
sg.steps(net.E)

# %% [markdown]
# Now it is your turn. Print this sheet, fill it in, and compare it with the key below.

# %%
pictures["exercise"]

# %%
pictures["exercise_key"]

# %% [markdown]
# And if the point is on its correct side? With $t = -1$ the error is 0; $\delta_7$ is 0, and so
# is all that is multiplied by it. At $z_7 = 0$ exactly there is a kink. The lecture's indicator
# $I(-z_7 t > 0)$ is strict, so it takes 0 there as well, and so does the engine:

# %%
right = seven_node.run(t=-1.0)
print("t = -1:", {abs(w.grad) for w in right.w.values()})
zero = seven_node.build(x=(0.0, 0.0))
zero.E.backward()
print("at the kink:", zero.z[7].data, {abs(w.grad) for w in zero.w.values()})

# %% [markdown]
# **Try it:** set $w_{36}$ to 0. Which of the $\delta$ change, and is $\partial E / \partial
# w_{36}$ now 0, too?
#
# <details><summary>Answer</summary>
#
# $\delta_3$ loses its second term, and with it $\delta_1$ and $\delta_2$ change. $\delta_4$ changes
# a little, because $g'(z_6)$ changes; $\delta_5$, $\delta_6$ and $\delta_7$ stay. $\partial E /
# \partial w_{36}$ is not 0: the weight is 0, but to move it would move $E$.
#
# </details>

# %%
other = seven_node.build(weights=seven_node.WEIGHTS | {"36": 0.0})
other.E.backward()
for node in range(7, 0, -1):
    print(f"δ{node}: {net.delta(node):+.3f} before, {other.delta(node):+.3f} now")
print(f"∂E/∂w36 = {other.w['36'].grad:.6f}")

# %% [markdown]
# ## Two meanings of δ
#
# The general rules of the lecture are
#
# $$\delta_j = \sum_k \delta_k\, g'(z_k)\, w_{jk} \qquad
# \frac{\partial E}{\partial w_{jk}} = \delta_k\, g'(z_k)\, a_j$$
#
# If you have read elsewhere about backpropagation, you will have seen them with the $g'$ in
# another place. Here $\delta_j$ is $\partial E / \partial a_j$, *after* the activation. (Except
# for $\delta_7$, as node 7 has none.) Nearly everybody else means $\partial E / \partial z_j$,
# *before* it. Both are right, and they differ by $g'(z_j)$. A graph has both nodes, so you can
# ask for both:

# %%
for node in (3, 4, 5, 6):
    a, z = net.a[node], net.z[node]
    factor = 1 - a.data**2
    print(f"node {node}: ∂E/∂a = {a.grad:+.6f},  times g' = {factor:.6f}:  "
          f"{a.grad * factor:+.6f},  ∂E/∂z = {z.grad:+.6f}")  # fmt: skip

# %% [markdown]
# **Try it:** build the network with `g=sg.sigmoid`, and with $t = -1$ (with $t = +1$ it would be
# right). What must `factor` be now?
#
# <details><summary>Answer</summary>
#
# $\sigma' = a (1 - a)$:
#
# </details>

# %%
other = seven_node.build(g=sg.sigmoid, t=-1.0)
other.E.backward()
for node in (3, 4, 5, 6):
    a, z = other.a[node], other.z[node]
    print(f"node {node}: {a.grad * a.data * (1 - a.data):+.9f} is {z.grad:+.9f}")

# %% [markdown]
# ## How the five texts differ
#
# δ is not the only thing with two meanings. If you take a formula or a number from one text to
# another, look here first:
#
# | | weight from $i$ to $j$ | sum, output of a unit | δ: derivative by | error | rate |
# |---|---|---|---|---|---|
# | Stone | $w_{ij}$ | $u$, $z$ | the sum | half the sum | $\epsilon$ |
# | Van Veen | $w_{j,i}$ | –, $h$ | the sum | half the sum, one sample | $\alpha_t$ |
# | Goebels | $w_{ij}$ | $z$, $a$ | the sum | half the sum | $\epsilon$ |
# | Brilliant | $w_{ij}$ | **$a$, $o$** | the sum | **half the mean** | $\alpha$ |
# | Lecture 2 | $w_{ij}$ | $z$, $a$ | **the output** | mean of $\max(0, -zt)$ | $\eta$, $\gamma$ |
#
# | | hidden units, outputs | bias |
# |---|---|---|
# | Stone | σ, linear | the last unit, always 1 |
# | Van Veen | σ, σ | none |
# | Goebels | σ, σ | one more input, always 1 |
# | Brilliant | σ, linear | the unit of index 0, always 1 |
# | Lecture 2 | tanh, linear | $b$ in the perceptron, none in the network |
#
# (The article of 1986, which Goebels explains, writes $w_{ji}$, $x$ and $y$.) In Brilliant's text
# $a$ is the sum; elsewhere $a$ is the output of a unit. And the error decides what a learning
# rate means. Three errors, put together in four ways:

# %%
outputs, targets = [0.5, -1.0, 2.0], [1.0, 0.5, 1.5]
for reduction in ("half_sum", "sum", "mean", "half_mean"):
    number = losses.squared_error(outputs, targets, reduction)
    print(f"{reduction:<9}  {number:.4f}")

# %% [markdown]
# The gradients have the same factors between them. So $\alpha = 0.1$ with half the mean over 6
# samples makes the steps of $0.1 / 6$ with half the sum.
#
# Two losses share the name "hinge", too, as we saw: the perceptron's $\max(0, -zt)$, which is 0
# on the correct side, and $\max(0, 1 - zt)$, which wants a margin.
#
# **Try it:** for $t = -1$ the seven nodes are right, and learn nothing. Is the gradient 0 as well
# with the hinge?
#
# <details><summary>Answer</summary>
#
# No. $z_7 t = 0.57$ is on the correct side, but below 1, so the hinge is $1 - 0.57 = 0.43$ and
# its derivative by $z_7$ is $-t = 1$:
#
# </details>

# %%
z7 = seven_node.build().z[7]
hinge = losses.hinge(z7, -1.0)
hinge.backward()
print(f"hinge {hinge.data:.6f}, derivative by z7 {z7.grad}")

# %% [markdown]
# ## As matrices
#
# With the numbers of a layer in a vector, and its weights in a matrix, both rules fit on one line
# each ($\odot$ multiplies number by number):
#
# $$\delta^{l-1} = W\,(g'(z^l) \odot \delta^l) \qquad
# \frac{\partial E}{\partial W} = a^{l-1}\,(g'(z^l) \odot \delta^l)^\top$$
#
# In NumPy they are one line each, too. Here a batch of two points through a 3-4-2 network, a row
# for each point; the outer products of the points add up to one product of matrices:

# %%
import numpy as np

from scalargrad.examples.lecture2 import matrix_form

W01, W12, A0, D2 = map(
    np.array, (matrix_form.W01, matrix_form.W12, matrix_form.X, matrix_form.DELTA2)
)
A1 = np.tanh(A0 @ W01)
A2 = np.tanh(A1 @ W12)

S2 = (1 - A2**2) * D2  # g'(z) ⊙ δ
D1 = S2 @ W12.T
S1 = (1 - A1**2) * D1
DW12, DW01 = A1.T @ S2, A0.T @ S1
print(np.round(DW01, 6))

# %%
form = matrix_form.run()  # neuron by neuron, by the engine
print("the same to 14 digits:", np.allclose(DW01, form.dW01, rtol=1e-13, atol=1e-15))
pictures = matrix_form.figures(form)
pictures["outer_products"]

# %% [markdown]
# Nothing new is computed. It is only the form that suits a fast machine. The same numbers on the
# edges of the network:

# %%
pictures["network"]

# %% [markdown]
# **Try it:** how can you see in the ∂E/∂W of one point that it is an outer product?
#
# <details><summary>Answer</summary>
#
# Its rows are multiples of each other: here by the factors $-2$ and $0.6$, the ratios of the
# inputs. The matrix has rank 1.
#
# </details>

# %%
one = np.array(matrix_form.run(points=1).dW01)
print(np.round(one / one[0], 12))
print("rank", np.linalg.matrix_rank(one), "and of two points", np.linalg.matrix_rank(DW01))

# %% [markdown]
# ## Shared parameters
#
# Now let four of the eight weights be one and the same number $u$, and the other four $v$.

# %%
from scalargrad.examples.lecture2 import shared_parameters

shared = shared_parameters.run()
pictures = shared_parameters.figures(shared)
pictures["network"]

# %% [markdown]
# To move $u$ is to move four weights at once, so the four derivatives are added:
#
# $$\frac{\partial z_7}{\partial u} = \frac{\partial z_7}{\partial w_{13}} \cdot 1 +
# \frac{\partial z_7}{\partial w_{24}} \cdot 1 + \frac{\partial z_7}{\partial w_{36}} \cdot 1 +
# \frac{\partial z_7}{\partial w_{57}} \cdot 1$$
#
# (The braces with a "1" on the slide belong to $\partial w / \partial u$ alone. And these are
# derivatives of $z_7$; for $E$ there is one more factor, $\partial E / \partial z_7$.)

# %%
u, v = Value(0.6, "u"), Value(-0.4, "v")
z7 = shared_parameters.build(u, v)  # the forward program, u and v used four times each
z7.backward()
for p, name in ((u, "u"), (v, "v")):
    terms = shared.terms[name]
    print(f"∂z7/∂{name}: {' '.join(f'{term:+.4f}' for term in terms.values())} = {p.grad:+.4f}")

# %%
pictures["backward"]

# %%
pictures["terms"]

# %% [markdown]
# The engine needs no rule for that: `grad` collects whatever arrives. In the graph you see $u$
# and $v$ with four arrows each:

# %%
pictures["graph"]

# %%
pictures["film"]

# %% [markdown]
# **Predict, then run:** `z7.backward()` was called once. What does `u.grad` say after another
# call?

# %%
before = u.grad
z7.backward()
print(u.grad / before)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Twice as much: it collects these terms, too. `zero_grad` of an optimiser sets the gradients back
# to 0; training loops call it before each step, so that a step uses the gradient of its own batch
# alone.
#
# </details>
#
# As an exercise on paper, with its key:

# %%
pictures["exercise"]

# %%
pictures["exercise_key"]

# %% [markdown]
# Next: [Any forward program](05c_any_program.ipynb).
