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
# # Learning representations
#
# After Goebels' lecture on Rumelhart, Hinton and Williams (1986), the paper that made
# back-propagation known: compare the output with the target, and adjust every weight a little so
# that the difference becomes smaller; repeat. Nobody designs what the hidden units come to
# represent: they learn an internal representation.
#
# Conventions here: inputs are rows, $z = xW$ and $a = \sigma(z)$; a weight's first index is where
# it comes from; the cost is $C = \frac12\sum(a - y)^2$, added up over the cases, not averaged; and
# $\delta = \partial C/\partial z$, before the activation.

# %%
import random

import numpy as np

import scalargrad as sg
from scalargrad import Value, losses, nn, optim, plot
from scalargrad.examples.goebels import (
    any_layer_delta,
    blog_network,
    calculus,
    momentum,
    rain_table,
)

# %% [markdown]
# ## Three days of rain
#
# How likely is rain, given the number of rainy days before and what a weather radar measures (Kdp)?
# Three days are known. The table is the lecture's; it gives no weights, so the starting weights are
# ours.

# %%
for day, x, y in zip(rain_table.DAYS, rain_table.X, rain_table.Y, strict=True):
    print(f"{day}: rainy days {x[0]:.0f}, Kdp {x[1]:.0f} -> rain {y:.2f}")

# %% [markdown]
# Two inputs, three hidden units, one output, all sigmoids, no biases. Monday goes through it row by
# column: each hidden unit multiplies the row with its column of $W_1$, adds up the products, and
# applies $\sigma$ to the sum. In the pictures a circle holds $z$ and below it $a$; the weights are
# written on the lines, and the larger a weight, the wider its line.

# %% [markdown]
# **Predict, then run:** the first hidden unit has the weights 0.2 (rainy days) and −0.3 (Kdp). On
# Wednesday (0 days, Kdp 8), will its output be larger or smaller than on Monday (3 days, Kdp 5)?
#
# <details><summary>Answer</summary>
#
# Smaller: $z = 0.2\cdot 0 - 0.3\cdot 8 = -2.4$ on Wednesday against $0.2\cdot 3 - 0.3\cdot 5 =
# -0.9$ on Monday, and $\sigma$ increases. The outputs are 0.08 and 0.29.
#
# </details>

# %%
net = rain_table.build()
monday = net.forward(rain_table.X[0], rain_table.Y[0])
print("z1", [round(z.data, 3) for z in monday.z1])
print("a1", [round(a.data, 3) for a in monday.a1])
print("z2", round(monday.z2.data, 3), "  a2", round(monday.a2.data, 3), "  target 0.99")

# %%
result = rain_table.run()
pictures = rain_table.figures(result)
pictures["row_mon"]

# %%
pictures["row_tue"]

# %%
pictures["row_wed"]

# %% [markdown]
# With these weights all three outputs are near 0.5: the network has learnt nothing yet.
#
# **Try it:** give the network a fourth day, `net.forward([30.0, 50.0], 0.5)`. The inputs are ten
# times Monday's. What are the outputs of the hidden units, and how much can they still change?
#
# <details><summary>Answer</summary>
#
# 0.00012, 0.99993 and 0.99999996: $z$ is ten times Monday's, −9, 9.5 and 17, so the sigmoids are
# saturated. Their slopes $a(1 - a)$ are 0.0001 and less, so the gradients of $W_1$ are about 1e-5
# and smaller, and the first layer hardly learns from such a day.
#
# </details>
#
# ## Why an activation
#
# A layer is $F(x) = \sigma(xW)$, and a network applies one layer to the output of another. Without
# $\sigma$, that is $x W_1 W_2$: two layers, but one matrix. Here is a network without activations,
# and the same function with a single matrix.

# %%
random.seed(1)
flat = nn.MLP(2, [3, 1], activation=None, bias=False)
W1 = [neuron.w for neuron in flat.layers[0].neurons]  # a list for each hidden unit
W2 = flat.layers[1].neurons[0].w
single = [sum(W1[j][i].data * W2[j].data for j in range(3)) for i in range(2)]
for x in rain_table.X:
    print(round(flat(x).data, 12), round(sg.dot(single, x), 12))

# %% [markdown]
# So the activation must be non-linear; it should be easy to compute, and so should its derivative.
# The sigmoid has all three: $\sigma'(z) = \sigma(z)\,(1 - \sigma(z))$ needs nothing but the output,
# which the forward pass has computed already.

# %%
calculations = calculus.run()
drawings = calculus.figures(calculations)
drawings["sigmoid"]

# %% [markdown]
# Written as $1/(1 + e^{-z})$ it overflows at $z = -1000$. The library's does not:

# %%
[(z, *sg.value_and_grad(sg.sigmoid)(z)) for z in (-1000.0, -1.0, 0.0, 1.0, 1000.0)]

# %% [markdown]
# **Try it:** what is the slope at 40? By $\sigma(1 - \sigma)$ it is 0, since $\sigma$ is rounded to
# 1; `sg.grad(sg.sigmoid)(40.0)` computes it from $z$ and keeps what is lost. Would you miss it?
#
# <details><summary>Answer</summary>
#
# It is 4.2e-18. A single update would not show it: 4e-18 times any usual error and rate is lost
# when it is added to a weight near 1. But products of many slopes, and tests that compare
# derivatives, are right only if each factor is.
#
# </details>
#
# ## A bias is a weight
#
# A unit that fires when $w\cdot x$ exceeds a threshold is a unit with the bias $b = -$threshold.
# And a bias is a weight, on an input that is always 1. The engine computes it in both ways:

# %%
w, b = [Value(0.2), Value(-0.3)], Value(0.3)
losses.squared_error(sg.sigmoid(sg.dot(w, [3.0, 5.0], bias=b)), 0.99).backward()

v = [Value(0.2), Value(-0.3), Value(0.3)]
losses.squared_error(sg.sigmoid(sg.dot(v, [3.0, 5.0, 1.0])), 0.99).backward()

[p.grad for p in [*w, b]], [p.grad for p in v]

# %% [markdown]
# The gradients are the same to the last bit, so a bias is learnt like every other weight.
#
# **Try it:** let the extra input always be 2 in place of 1. Which starting weight gives the same
# output? And what is its gradient then?
#
# <details><summary>Answer</summary>
#
# 0.15, since $2\cdot 0.15 = 0.3$. Its gradient is $\delta$ times the input, −0.290856, twice that
# of the bias. So with the same learning rate this bias would move four times as fast: the step is
# twice as large, and its effect is doubled again.
#
# </details>
#
# ## Derivatives to warm up
#
# A derivative is the slope of the tangent. For a function inside a function, multiply the slopes:
# $z = \sin(x^2 + 1)$ has the slope $\cos(x^2 + 1)\cdot 2x$.

# %%
drawings["tangent"]

# %%
x = Value(0.7, "x")
z = sg.sin(x**2 + 1)
z.label = "z"
sg.explain(z, x)

# %% [markdown]
# Steps against the slope lead downhill; the flatter the curve, the smaller the steps.

# %%
drawings["ball"]

# %% [markdown]
# With two variables there are two slopes, and the gradient holds both. For $f = x^2 + xy + y^2$,
# $\partial f/\partial x = 2x + y$ and $\partial f/\partial y = x + 2y$. A slide prints the second
# as "y + 2y". How can you find out which is right? Ask the engine, or measure.

# %%
at = (1.0, 2.0)
print("engine  ", sg.grad(calculus.build, (0, 1))(*at))
print("x + 2y  ", calculus.partial_slopes(*at)[1])
print("printed ", calculus.printed_slope(*at))
print("measured", round(sg.numerical_grad(lambda y: calculus.build(at[0], y), at[1]), 6))

# %%
drawings["surface"]

# %% [markdown]
# The vertical axis is $f$. The arrow on the plane below the surface is $-\nabla f$ at (1, 2), the
# direction of steepest descent. At (0, 0) the gradient is 0: a stationary point, here the minimum.

# %% [markdown]
# **Try it:** compare them at (0, 0) and at (1, 1). Where does the misprint give the right number
# all the same? (A test at one point proves little.)
#
# <details><summary>Answer</summary>
#
# At both: $y + 2y = x + 2y$ wherever $x = y$. At (0, 0) both are 0, and at (1, 1) both are 3.
#
# </details>
#
# ## How wrong is it
#
# The cost is $C = \frac12\sum_i (y_i - a_i)^2$. Each output is in one term only, so of
# $\partial C/\partial a_j$ one term is left: $a_j - y_j$.

# %%
sg.grad(losses.squared_error)([0.2, 0.3, 1.5], [0.5, -1.0, 2.0])

# %% [markdown]
# A slide shows predictions beside the real values with a "total error = 1.05". Of which measure?
# For targets .99, .59, .19 and outputs between 0 and 1, half the sum of squares cannot exceed
# 0.99215. So 1.05 must be the sum of the absolute errors or the sum of the squares; only the
# predictions, which are lost, could tell which one. The same three outputs, measured in three ways:

# %%
rain_table.total_errors(result.before), round(rain_table.largest_half_sum(), 5)

# %%
pictures["outputs"]

# %% [markdown]
# **Try it:** invent three outputs whose $\sum|e|$ is 1.05, and three whose $\sum e^2$ is.
#
# <details><summary>Answer</summary>
#
# For example 0.64, 0.24 and 0.54: each is off by 0.35, and $\sum|e| = 1.05$. For $\sum e^2$ errors
# must be large: 0.39, 0.09 and 0.853 are off by 0.6, 0.5 and 0.663, whose squares add up to 0.36 +
# 0.25 + 0.44 = 1.05.
#
# </details>
#
# ## The last layer
#
# Change one weight of $W_2$, say $w_1$. Everything else in $z_2 = S + a_1 w_1$ is a constant $S$,
# so $\partial z_2/\partial w_1 = a_1$: what came in along that one synapse. (One slide has $z^2 =
# a^2W^2$, the output in its own input; it must be $a^1W^2$.) The chain has three factors, and you
# can read each from the graph, since a node keeps the local derivatives by its operands.

# %%
monday.C.backward()
cost_by_output = monday.a2.grad  # ∂C/∂a2 = a2 - y
slope = monday.a2.partials[0]  # ∂a2/∂z2 = σ'(z2)
synapse = monday.z2.partials[0]  # ∂z2/∂w1 = a1
product = cost_by_output * slope * synapse
print(f"{cost_by_output:.6f} * {slope:.6f} * {synapse:.6f} = {product:.6f}")
print(f"{net.W2[0][0].grad:.6f}, by the engine")

# %% [markdown]
# In formulas, factor by factor and path by path. (There are two paths, since the library squares
# the error by multiplying it by itself: each carries half of $2(a_2 - y)$.)

# %%
sg.explain(monday.C, net.W2[0][0])

# %% [markdown]
# Note which derivative is meant: $\partial C/\partial z_2 = \partial C/\partial a_2 \cdot
# \sigma'(z_2)$. The slides write $C'$ on both sides, but on the left it is by $z$, on the right
# by $a$.
#
# In the paper's numbering (its $x$ is our $z$, its $y$ our $a$, and $w_{ji}$ comes from unit $i$):
#
# | | printed | here |
# |---|---|---|
# | 3 | $E = \frac12\sum_c\sum_j (y - d)^2$ (cited there, not shown) | `C`, summed |
# | 4 | $\partial E/\partial y_j = y_j - d_j$ | `a2.grad` |
# | 5 | $\partial E/\partial x_j = \partial E/\partial y_j \cdot y_j(1 - y_j)$ | `z2.grad` |
# | 6 | $\partial E/\partial w_{ji} = \partial E/\partial x_j \cdot y_i$ | the weight's `grad` |
# | 7 | $\partial E/\partial y_i = \sum_j \partial E/\partial x_j\,w_{ji}$ (absent) | `a1[i].grad` |
#
# Equation 7 leads one layer back. Then 5 and 6 apply again; this is the backward pass.

# %%
print("7:", [round(a.grad, 6) for a in monday.a1])
print("5:", [round(z.grad, 6) for z in monday.z1])

# %% [markdown]
# All of it in one picture: each box has a value of Monday and its gradient, each line its factor.

# %%
sg.draw(monday.C)

# %% [markdown]
# And as a film: forward, then backward, number by number.

# %%
pictures["film"]

# %% [markdown]
# **Try it:** `rain_table.build([[0.2, -0.1, 0.4], [-0.3, 0.25, 0.1]], [[0.0], [0.0], [0.0]])`:
# start with $W_2 = 0$. Which gradients are zero then, and why can it still learn?
#
# <details><summary>Answer</summary>
#
# All gradients of $W_1$ are zero, because $\delta^1 = \delta^2 (W^2)^T \odot \sigma'$ contains
# $W_2$. Those of $W_2$ are $a^1\delta^2$ and not zero, so the first update changes $W_2$, and from
# the second one on $W_1$ learns as well. If both matrices were zero, all hidden units would stay
# alike for ever.
#
# </details>
#
# ## Any layer
#
# Nothing changes with more layers. A change of $z_j$ in layer $l$ reaches the cost only through the
# $z_k$ of layer $l + 1$, and there only in the term $a_j w_{jk}$:
#
# $$\delta_j = \sum_k \delta_k\, w_{jk}\, \sigma'(z_j).$$
#
# In print the sums run over "$n = 0 \ldots k$"; it is over $k$, the units of the next layer. And
# one line has $w_k$ where it must be $w_{ik}$: with a single weight for each $k$, all units of a
# layer would get the same $\delta$, up to $\sigma'$.

# %%
deep = any_layer_delta.run(sizes=(2, 3, 4, 3, 2))
for layer, (engine, hand) in enumerate(zip(deep.engine, deep.hand, strict=True), 1):
    difference = max(abs(d - h) for d, h in zip(engine, hand, strict=True))
    print(f"layer {layer}: {len(engine)} units, formula and engine agree:", difference < 1e-15)

# %%
layered = any_layer_delta.figures(deep)
layered["paths"]

# %% [markdown]
# **Predict, then run:** how many paths lead from the marked unit to the outputs? The layers after
# it have 4, 3 and 2 units.
#
# <details><summary>Answer</summary>
#
# $4\cdot 3\cdot 2 = 24$: at each layer a path may go to every unit.
#
# </details>

# %% [markdown]
# The formula lists no paths: to compute the $\delta$ of a unit it adds as many terms as the next
# layer has units. That is why back-propagation is cheap.

# %%
sum(sg.count_paths(output, deep.net.z[0][0]) for output in deep.net.a[-1])

# %%
layered["sizes"]

# %% [markdown]
# **Try it:** `any_layer_delta.run(sizes=(2,) + (3,) * 10 + (1,))`. How do the $\delta$ of the first
# layer compare with those of the last? ($\sigma'$ is never above 1/4.)
#
# <details><summary>Answer</summary>
#
# The largest $\delta$ of the first layer is 9.5e-9, that of the last 0.046: smaller by a factor of
# five million. Each of the ten steps back multiplies by a slope of 1/4 at most and by weights below
# 1. The gradient vanishes, and the first layers learn almost nothing.
#
# </details>
#
# ## All together
#
# All days at once, as matrices with a row for each day:
#
# $$\delta^2 = (a^2 - y)\odot\sigma'(z^2),\qquad
# \frac{\partial C}{\partial W^2} = (a^1)^T\delta^2,$$
# $$\delta^1 = (\delta^2 (W^2)^T)\odot\sigma'(z^1),\qquad
# \frac{\partial C}{\partial W^1} = X^T\delta^1.$$
#
# On the slides both products are a star. $\odot$ is element by element; the others are products of
# matrices. In NumPy these are four lines:

# %%
X, y = np.array(rain_table.X), np.array(rain_table.Y)[:, None]
w1, w2 = np.array(rain_table.W1), np.array(rain_table.W2)
a1 = 1 / (1 + np.exp(-X @ w1))
a2 = 1 / (1 + np.exp(-a1 @ w2))

delta2 = (a2 - y) * a2 * (1 - a2)
gradient2 = a1.T @ delta2
delta1 = (delta2 @ w2.T) * a1 * (1 - a1)
gradient1 = X.T @ delta1

# %% [markdown]
# And by the engine, which knows only the forward pass. $\partial C/\partial W$ has the shape of
# $W$: 2 x 3 and 3 x 1.

# %%
both = rain_table.build()
C = losses.squared_error([both(x) for x in rain_table.X], rain_table.Y)
C.backward()
engine1, engine2 = both.gradients()
print(np.shape(engine1), np.shape(engine2))
print(bool(np.abs(gradient1 - engine1).max() < 1e-14 and np.abs(gradient2 - engine2).max() < 1e-14))

# %% [markdown]
# The gradient of all days is the sum of Monday's, Tuesday's and Wednesday's. They need not agree:
# for $W_2$, Monday (whose target is higher than the output) and Wednesday (lower) pull in opposite
# directions.

# %%
for j in range(3):
    parts = [gradient[j][0] for _, gradient in result.per_case]
    line = " + ".join(f"({part:+.4f})" for part in parts)
    print(line, f"= {sum(parts):+.4f}; all at once: {engine2[j][0]:+.4f}")

# %% [markdown]
# **Try it:** divide the cost by three, as many texts do. By what must the learning rate be
# multiplied so that all steps stay the same?
#
# <details><summary>Answer</summary>
#
# By 3: the gradient is a third, and $\varepsilon\,\partial C/\partial w$ must stay. This is why a
# learning rate from one text may not work in another. With momentum only $\varepsilon$ changes, and
# $\alpha$ stays.
#
# </details>
#
# ## Day by day, or all at once
#
# Equation 8 is the step: $\Delta w = -\varepsilon\,\partial E/\partial w$. You can take it after
# each day, which needs no memory for the sum of the gradients; or add up the gradients of all days
# and take one step for each sweep. Equation 9 adds momentum, a part of the last step:
#
# $$\Delta w(t) = -\varepsilon\,\frac{\partial E}{\partial w}(t) + \alpha\,\Delta w(t-1),\qquad
# \Delta w(0) = 0.$$
#
# The slide counts $t$ up with each case; as far as we remember, the 1986 paper does so with each
# sweep through all cases. Here are both, with equation 8 in two lines by the engine:

# %%
by_engine = rain_table.build()
for _ in range(3):
    by_engine.zero_grad()
    cost = losses.squared_error([by_engine(x) for x in rain_table.X], rain_table.Y)
    cost.backward()
    for w in by_engine.parameters():
        w.data -= 0.5 * w.grad  # equation 8
    print(f"C before the update: {cost.data:.5f}")

# %%
for name, options in {
    "all days": {"lr": 0.5},
    "all days, momentum": {"lr": 0.1, "momentum": 0.9},
    "day by day": {"lr": 0.5, "sweep": False},
    "day by day, momentum": {"lr": 0.1, "momentum": 0.9, "sweep": False},
}.items():
    course = rain_table.learn(3, **options)
    print(f"{name:<21}", [round(update.C, 5) for update in course])

# %% [markdown]
# **Predict, then run:** momentum 0.9 repeats nine tenths of the last step. If the gradient stays
# about the same, by how much do the steps grow? So with which plain learning rate would you compare
# $\varepsilon = 0.1$ with momentum 0.9?
#
# <details><summary>Answer</summary>
#
# The steps grow to $1 + 0.9 + 0.9^2 + \ldots = 10$ times the first one. So $\varepsilon = 0.1$ with
# momentum is like $\varepsilon = 1$ without it, but only after some ten sweeps. In the picture it
# starts slowly and then overtakes $\varepsilon = 0.5$: after 100 sweeps $C$ is 0.00139 against
# 0.00968.
#
# </details>

# %%
pictures["courses"]

# %% [markdown]
# `sg.fit` does the same: all samples at once by default, one after the other with `batch_size=1`.

# %%
trained = rain_table.build()
history = sg.fit(
    trained, rain_table.X, rain_table.Y, losses.squared_error,
    optim.SGD(trained.parameters(), lr=0.1, momentum=0.9), epochs=300,
)  # fmt: skip
[round(trained(x).data, 3) for x in rain_table.X]

# %%
plot.loss_curve(history, ylabel="C", title="Momentum for 300 sweeps")

# %% [markdown]
# Three days and nine weights: the network can learn these days by heart, which is overfitting. It
# says nothing about generalisation, that is, about a fourth day.
#
# **Try it:** `rain_table.run(lr=50)`. The outputs stick together near 1. What is $\sigma'$ there?
#
# <details><summary>Answer</summary>
#
# All three outputs are 0.9995, and $\sigma' = a(1 - a) = 0.00045$. The first large step has taken
# the weights to where the sigmoid of the output is flat, and the gradients are so small that even a
# rate of 50 does not bring them back within 100 updates.
#
# </details>
#
# ## A narrow valley
#
# The paper says that descent is slower than methods that use second derivatives, but it is simple
# and local, and all weights can change in parallel. How much slower is it? The lecture gives no
# numbers; this is our example. $E = \frac12(x^2 + 25y^2)$ is 25 times as steep across as along. A
# step that does not overshoot across is small along.

# %%
x, y, change = 1.0, 1.0, (0.0, 0.0)
for _ in range(54):
    slopes = sg.grad(momentum.build, (0, 1))(x, y)
    change = [-1 / 9 * g + 4 / 9 * last for g, last in zip(slopes, change, strict=True)]
    x, y = x + change[0], y + change[1]
print(f"after 54 updates by equation 9: x = {x:.1e}, y = {y:.1e}")

# %%
valley = momentum.run()
{name: course.updates for name, course in valley.courses.items()}

# %%
valley_pictures = momentum.figures(valley)
valley_pictures["paths"]

# %%
valley_pictures["errors"]

# %% [markdown]
# Newton's method divides by the curvature. Here the curvature is constant, so one step is exact.
# The price is $n^2$ second derivatives for $n$ weights, and a system of equations to solve.

# %%
sg.hessian(momentum.build, (0, 1))(1.0, 1.0)

# %% [markdown]
# **Try it:** `momentum.run(curvature=100)`. Four times as narrow: what becomes of 213, 54 and 1?
#
# <details><summary>Answer</summary>
#
# 922, 119 and 1. Plain descent takes 4.3 times as long, in proportion to the ratio of the
# curvatures. Momentum takes 2.2 times as long, in proportion to its root. Newton's method still
# takes one step.
#
# </details>
#
# ## Eleven lines
#
# The lecture links to a well-known blog post, a network for exclusive or in eleven lines of NumPy.
# It writes no cost, and it adds where we subtract, since its error is $y - a$. That is descent on
# $\frac12\sum(a - y)^2$ with $\varepsilon = 1$. Its third input is always 1: a bias, as a weight.

# %%
blog = blog_network.run()
blog_pictures = blog_network.figures(blog)
for iteration, outputs in blog.outputs.items():
    print(f"{iteration:>4}", [round(output, 4) for output in outputs])

# %%
blog_pictures["outputs"]

# %%
blog_pictures["cost"]

# %% [markdown]
# For a while little seems to happen; then the hidden units have found an internal representation in
# which the two classes are linearly separable, and the cost falls fast. That is what the paper's
# title is about.

# %%
blog_pictures["network"]

# %% [markdown]
# **Try it:** `blog_network.run(constant=0.0)` takes the biases away. Does it still learn?
#
# <details><summary>Answer</summary>
#
# Yes, but more slowly: after 1000 updates the outputs are 0.08, 0.93, 0.92 and 0.07, and the cost
# is 0.0109 in place of 0.0038.
#
# </details>
