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
# # Five equations for any network
#
# After the article *Backpropagation* of the Brilliant wiki. Back-propagation is the chain rule for
# nested functions, in an order that computes nothing twice. As automatic differentiation it has
# been known since the 1970s; in 1986 Rumelhart, Hinton and Williams showed what it does for neural
# networks.
#
# Conventions here: $w_{ij}^k$ leads from unit $i$ of layer $k-1$ to unit $j$ of layer $k$. A unit
# adds up $a_j^k = \sum_i w_{ij}^k o_i^{k-1}$, *before* the activation, and gives $o_j^k =
# g(a_j^k)$, after it (other texts call them $z$ and $a$). Unit 0 of each layer is always 1. $E =
# \frac{1}{2N}\sum_d(\hat y_d - y_d)^2$ is a mean over the $N$ pairs of input and target, so a
# learning rate from a lecture that *adds up* the errors means something else here. And $\delta =
# \partial E/\partial a$.

# %%
import math
import random

import scalargrad as sg
from scalargrad import Value, losses, nn, optim, plot
from scalargrad.examples.brilliant import (
    five_equations,
    gabor_filters,
    hidden_features,
    hyperparameters,
    six_samples,
)

# %% [markdown]
# ## Three ingredients
#
# There must be data (pairs of an input and its target), a network that feeds forward, and an error.
# Each unit is connected to every unit of the next layer, and to none of its own.

# %%
random.seed(4)
model = nn.MLP(2, [3, 2, 1], "sigmoid")
edges = sum(len(neuron.w) for layer in model.layers for neuron in layer.neurons)
print(edges, "edges, as 2·3 + 3·2 + 2·1;", len(model.parameters()) - edges, "biases, as 3 + 2 + 1")
plot.network(model, names={(0, 0): "x1", (0, 1): "x2", (3, 0): "ŷ"})

# %% [markdown]
# The data say what the *last* unit should give. Nobody says what the five hidden units should give.
# Their share in the error depends on the layers before them, which make their outputs, and on the
# layers after them, which use these outputs. Back-propagation finds this share.
#
# **Try it:** make the hidden layers `[3, 3, 3]`. How many edges will there be, and how many biases?
#
# <details><summary>Answer</summary>
#
# $2\cdot3 + 3\cdot3 + 3\cdot3 + 3\cdot1 = 27$ edges, and $3 + 3 + 3 + 1 = 10$ biases.
#
# </details>
#
# ## Why not a step
#
# The first networks had units that give 1 above a threshold and 0 below, the Heaviside step. A step
# is flat, except where it jumps. Its slope is 0, and so is every gradient that is multiplied by it.

# %% [markdown]
# **Predict, then run:** a unit with the weights 0.3, −0.8 and 0.5 has the target 1 and gives less.
# With the Heaviside step, what are the gradients of its three weights? And with the sigmoid, which
# of them are positive, given the inputs 1, 0.2 and −0.7?
#
# <details><summary>Answer</summary>
#
# With the step all three are 0. With the sigmoid each is $\delta$ times its input. The output is
# too small, so $\delta = (\hat y - y)\,g'$ is negative; the gradients for the inputs 1 and 0.2 are
# negative, and that for −0.7 is positive.
#
# </details>

# %%
w = [Value(0.3, "w0"), Value(-0.8, "w1"), Value(0.5, "w2")]
x = [1.0, 0.2, -0.7]


def step(a):
    return 0.5 * (1.0 + sg.sign(a))


for g in (step, sg.sigmoid):
    for value in w:
        value.grad = 0.0
    losses.squared_error(g(sg.dot(w, x)), 1.0).backward()
    print([round(value.grad, 4) for value in w])

# %% [markdown]
# Both units are wrong. The first does not learn from its error; the second, a smooth step, does.
#
# **Try it:** a steeper sigmoid comes closer to the step: `lambda a: sg.sigmoid(50 * a)`. What will
# become of its gradients?
#
# <details><summary>Answer</summary>
#
# At first they grow: with a factor of 5 they are five times as large as with 1. But with 50 they
# are only 0.0014, −0.0003 and 0.0010, since the sum, −0.21, is already in the flat part. The
# steeper the sigmoid, the narrower the range in which it can learn.
#
# </details>
#
# ## A bias is weight number 0
#
# Above, `w0` is the weight of an input that is always 1: it is a bias. So the formulas need no
# special case for it. In this library a neuron keeps its bias separate; output and gradients are
# the same.

# %%
neuron = nn.Neuron(2, "sigmoid")
for parameter, number in zip([neuron.b, *neuron.w], w, strict=True):
    parameter.data = number.data
losses.squared_error(neuron(x[1:]), 1.0).backward()
[round(parameter.grad, 4) for parameter in (neuron.b, *neuron.w)]

# %% [markdown]
# No weight leads to the unit that is always 1. So it has no $\delta$, and sums over the units of
# the next layer begin at 1, while those over the layer before begin at 0. The article once writes
# $a_l^{k+1} = \sum_{j=1}$ for a sum that needs its bias, $j = 0$. The sum is then another, but its
# derivatives by the other outputs are not.
#
# ## What one weight can do
#
# A weight $w_{ij}$ acts on $E$ through one number only, the sum $a_j$ that it belongs to. So
#
# $$\frac{\partial E}{\partial w_{ij}} = \frac{\partial E}{\partial a_j}
# \frac{\partial a_j}{\partial w_{ij}} = \delta_j\, o_i.$$
#
# Nothing is said of $E$ or of $g$. Here is one hidden unit and an output; take any error and any
# activation, and see that it holds.


# %%
def weights_and_sums(g, error):
    u, v = Value(0.6, "u"), Value(-0.9, "v")
    a1 = u * 0.7
    o1 = g(a1)
    a2 = v * o1
    E = error(g(a2))
    E.backward()
    return (u.grad, a1.grad * 0.7), (v.grad, a2.grad * o1.data)


for g in (sg.sigmoid, sg.tanh, sg.softplus):
    for error in (lambda y: 0.5 * (y - 1.0) ** 2, lambda y: (y - 1.0) ** 4, lambda y: sg.cosh(y)):
        print(all(one == other for one, other in weights_and_sums(g, error)), end=" ")

# %% [markdown]
# In the picture of such a chain, each box shows its gradient. Those of the sums are the $\delta$.

# %%
u, v = Value(0.6, "u"), Value(-0.9, "v")
a1 = u * Value(0.7, "x")
a1.label = "a1"
o1 = sg.sigmoid(a1)
o1.label = "o1"
a2 = v * o1
a2.label = "a2"
E = losses.squared_error(a2, 1.0)
E.label = "E"
E.backward()
sg.draw(E)

# %% [markdown]
# **Try it:** which two numbers of the picture must be multiplied to get the gradient of `v`?
#
# <details><summary>Answer</summary>
#
# The gradient of `a2`, which is its $\delta$, and the data of `o1`, which is what came in:
# $\delta_j o_i$. The label of the line from `v` to `a2` is that same number.
#
# </details>
#
# ## The five
#
# With $m$ layers after the inputs (so a network of four layers has $m = 3$), $g$ for the hidden
# units and $g_o$ for the outputs:
#
# 1. $\dfrac{\partial E_d}{\partial w_{ij}^k} = \delta_j^k\, o_i^{k-1}$ for each pair $d$,
# 2. $\delta_j^m = g_o'(a_j^m)\,(\hat y_j - y_j)$ for the output layer,
# 3. $\delta_j^k = g'(a_j^k) \sum_{l \ge 1} w_{jl}^{k+1}\, \delta_l^{k+1}$ for a hidden layer,
# 4. $\dfrac{\partial E}{\partial w_{ij}^k} = \dfrac1N \sum_d \dfrac{\partial E_d}{\partial
# w_{ij}^k}$, the mean,
# 5. $\Delta w_{ij}^k = -\alpha\, \dfrac{\partial E}{\partial w_{ij}^k}$, the update.
#
# The forward phase computes every $a$ and $o$, the backward phase every $\delta$: (2) for the
# outputs, then (3) layer by layer. Together, (5) and (1) are the *delta rule*: a weight changes by
# $-\alpha$ times its error term times its input.
#
# Slips of the article: $g_o'$ appears as $g_0'$, with a zero; "the error term $\delta_i^k$" is
# $\delta_j^k$, and $\delta_k^{k+1}$ is $\delta_l^{k+1}$; $\hat y_d^k$ has no layer index, only
# $o_j^k$ has; $\dot y$ is $\hat y$; and a section "Deriving the Gradients", to which it points, is
# called "Error Function Derivatives".
#
# Here are (2), (3) and (1) for the first pair of a 2-3-2-1 network, in plain Python:

# %%
W = five_equations.WEIGHTS  # of each layer, row 0 for the biases
x, target = five_equations.X[0], five_equations.Y[0]

forward = [[1.0, *x]]  # the forward phase: the outputs of each layer, o_0 = 1 first
for layer in W:
    sums = [sg.dot(column, forward[-1]) for column in zip(*layer, strict=True)]
    last_layer = layer is W[-1]
    forward.append(sums if last_layer else [1.0, *map(sg.sigmoid, sums)])

delta = {3: [forward[3][0] - target]}  # the backward phase, (2): g_o' = 1
for k in (2, 1):  # (3)
    delta[k] = [
        forward[k][j] * (1.0 - forward[k][j]) * sg.dot(W[k][j], delta[k + 1])
        for j in range(1, len(forward[k]))
    ]
for k in (1, 2, 3):
    print(f"δ of layer {k}:", [round(d, 6) for d in delta[k]])
print("∂E/∂w of the last layer (1):", [round(delta[3][0] * o, 6) for o in forward[2]])

# %% [markdown]
# The example has the same for any depth, widths and activations, and beside them the engine, which
# knows none of the five:

# %%
both = five_equations.run()
pair = both.pairs[0]
for k, (hand, engine) in enumerate(zip(pair.delta, both.a[0], strict=True), 1):
    for j, (delta, a) in enumerate(zip(hand, engine, strict=True), 1):
        print(f"δ{j} of layer {k}: {delta:+.6f} by hand, {a.grad * len(both.pairs):+.6f} by engine")
print("all gradients agree to 1e-15:", both.largest_difference < 1e-15)

# %%
drawn = five_equations.figures(both)
drawn["network"]

# %% [markdown]
# The widest lines end at the output. $\delta$ becomes smaller from layer to layer in the backward
# pass, since $g' \le \frac14$ for a sigmoid and the weights are below 1. The same pair as a graph:
# the `grad` of each sum `a` is its $\delta$.

# %%
drawn["graph"]

# %% [markdown]
#
# One update with $\alpha = 0.1$ takes $E$ from

# %%
print(f"{both.E.data:.6f} to {both.E_after:.6f}")

# %% [markdown]
# **Try it:** `five_equations.run(activation="sin")`. Nobody would use that. Do the equations still
# hold?
#
# <details><summary>Answer</summary>
#
# Yes. `largest_difference` is 4e-17: the equations ask only for the derivative of $g$.
#
# </details>
#
# ## Pair by pair
#
# Equation 4 follows from $E$ being a mean: the derivative of a sum is the sum of the derivatives.
# So the pairs are independent. They can be computed one after the other, on many cores, or as the
# rows of a matrix.


# %%
def output(weights, x):
    return five_equations.build(x, weights)[1][-1][0]


X, Y = five_equations.X, five_equations.Y
gradients = [
    sg.grad(lambda W, x=x, y=y: losses.squared_error(output(W, x), y))(W)
    for x, y in zip(X, Y, strict=True)
]
last = [gradient[-1] for gradient in gradients]
for d, rows in enumerate(last, 1):
    print(f"pair {d}:  ", "  ".join(f"{w:+.6f}" for (w,) in rows))
mean = [sum(rows[i][0] for rows in last) / 4 for i in range(3)]
print("mean:    ", "  ".join(f"{w:+.6f}" for w in mean))
print("the whole", "  ".join(f"{w:+.6f}" for (w,) in both.gradient[-1]))

# %% [markdown]
# Replay is based on this: the network is recorded for *one* sample, and the recording is run for
# all samples. (The README says more on speed; the numbers are the same.)

# %%
six = six_samples.build()
error = sg.compile(
    lambda x, y: losses.squared_error(six(x), y), params=six.parameters(), backend="python"
)
print(error.record([[0, 0, 1]], [0]))

# %% [markdown]
# **Try it:** drop the third pair from `X` and `Y`. Which of the numbers above will change?
#
# <details><summary>Answer</summary>
#
# The gradients of the pairs 1, 2 and 4 stay, since each depends on its own pair only. The mean
# changes, and with it the line "the whole" and the divisor, which must be 3.
#
# </details>
#
# ## Forward first
#
# The backward phase needs the $a$ and $o$ of the forward phase, so they are remembered. This
# library stores the local derivatives while it computes forward. If you change a weight after that,
# you get the gradient of the *old* network. So every iteration is forward, backward, update, in
# this order.

# %% [markdown]
# **Predict, then run:** $y = w_2 \tanh(w_1)$ is computed with $w_2 = 2$; then $w_2$ is set to 10,
# and `backward` runs without a new forward phase. Is $\partial y/\partial w_1$ the one for 2 or the
# one for 10?
#
# <details><summary>Answer</summary>
#
# The one for 2: $2\,(1 - \tanh^2 0.5) = 1.5729$. The local derivative was stored when $y$ was
# computed. The right one for 10 is 7.8645.
#
# </details>

# %%
w1, w2 = Value(0.5, "w1"), Value(2.0, "w2")
y = w2 * sg.tanh(w1)
w2.data = 10.0  # too late: y has been computed
y.backward()
stale = w1.grad

w1.grad = 0.0
(w2 * sg.tanh(w1)).backward()
print(f"stale {stale:.4f}, right {w1.grad:.4f}")

# %% [markdown]
# As a film: the forward phase from left to right, then the backward phase from right to left.

# %%
sg.steps(E)

# %% [markdown]
# How much must be remembered? For a sigmoid only $o$, as $\sigma'(a) = o(1 - o)$. With sigmoids and
# a linear output the equations 2 and 3 become
#
# $$\delta^m = \hat y - y, \qquad \delta_j^k = o_j^k(1 - o_j^k)\sum_l w_{jl}^{k+1}\delta_l^{k+1}$$
#
# which do not contain $a$. (A trap in programs: a function `sigmoid(x, derivative=True)` takes $x$,
# and computes $o$ again; a function of $o$ is a different one.)

# %%
weights = five_equations.WEIGHTS[2]
for j in (0, 1):
    o = pair.o[1][j]
    short = o * (1.0 - o) * weights[j + 1][0] * pair.delta[2][0]
    print(f"{short:+.9f} without a, {pair.delta[1][j]:+.9f} by equation 3")

# %% [markdown]
# ## The whole program
#
# Six samples, three hidden units, $\alpha = 0.1$, 10,000 iterations. Where $x_3 = 1$ the target is
# $x_1$ xor $x_2$; where $x_3 = 0$ it is $x_2$. As printed the program would not run: names have
# lost their underscores, and comments are broken over lines. Its starting weights come from NumPy's
# generator with seed 1 and are written out in the example; they lie in $[-1, 1)$, where the comment
# says $[-1, 1]$.

# %%
six = six_samples.build()
error = sg.compile(
    lambda x, y: losses.squared_error(six(x), y), params=six.parameters(), reduction="mean"
)  # half the squared error of one sample; the mean of these is E
optimizer = optim.SGD(six.parameters(), lr=0.1)
for _ in range(10_000):
    optimizer.zero_grad()
    E_before = error.backward(six_samples.X, six_samples.Y)  # forward and backward phase
    optimizer.step()
print(f"E before the last update {E_before:.3e}")
[round(six(x).data, 5) for x in six_samples.X], six_samples.Y

# %% [markdown]
# The example keeps what happens on the way:

# %%
learnt = six_samples.run()
print("iteration ", "  ".join("".join(map(str, x)) for x in six_samples.X))
for k in six_samples.SHOWN:
    print(f"{k:>9}  ", "  ".join(f"{o:+.2f}" for o in learnt.snapshots[k].outputs))
print("targets    ", "      ".join(map(str, six_samples.Y)))

# %%
pictures = six_samples.figures(learnt)
pictures["outputs"]

# %% [markdown]
# At first all six move to 0.5, the mean of the targets, because the bias of the output learns
# fastest. There they stay: a plateau, on which $E$ hardly changes. It takes about a thousand
# iterations until the hidden units have a useful internal representation.

# %%
pictures["loss"]

# %%
pictures["network"]

# %% [markdown]
# A detail: the program prints the outputs of its last iteration, computed *before* the last update.
# After it they are a little better.

# %%
for y, printed, after in zip(six_samples.Y, learnt.printed, learnt.outputs, strict=True):
    print(f"target {y}   printed {printed:.8e}   after the update {after:.8e}")

# %% [markdown]
# The lecture's program, with the equations by hand, is `six_samples.printed_program`. Do its
# weights agree with the engine's to 13 digits after 100 iterations?

# %%
print("agree to 13 digits:", learnt.difference < 1e-13)

# %% [markdown]
# **Try it:** `six_samples.run(lr=0.01)`. Which line of the table will its last one be like?
#
# <details><summary>Answer</summary>
#
# The line of iteration 1000: the outputs 0.240, 0.713, 0.278, 0.638, 0.445 and 0.685 agree with it
# to three digits, up to one in the last. A tenth of the rate needs ten times as many iterations.
#
# </details>
#
# ## How many, how long, how fast
#
# The article's advice: more hidden units and more iterations generally fit better; too small a rate
# is slow, too large a rate diverges. You can try all of it in seconds.

# %% [markdown]
# **Predict, then run:** with 1, 2, 3, 5 and 10 hidden units and 10,000 updates, will every further
# hidden unit make $E$ smaller? And which learning rate will be the first to fail: 0.5, 1, 2 or 5?
#
# <details><summary>Answer</summary>
#
# Not every one: with these starting weights two hidden units are no better than one; from 3 on each
# number is better than the one before. The rates 0.5 and 1 reach rounding errors, 2 climbs to 77,
# and 5 becomes infinite.
#
# </details>

# %%
trials = hyperparameters.run()
for n, training in trials.by_hidden_units.items():
    line = "  ".join(f"{max(E, 1e-12):8.1e}" for E in training.E.values())  # less is rounding error
    print(f"{n:>2} hidden ", line)
print("\nafter        ", "     ".join(map(str, trials.iterations)))

# %%
drawings = hyperparameters.figures(trials)
drawings["hidden_units"]

# %% [markdown]
# "Generally" is the right word: two hidden units end no better than one. From other starting
# weights (`hyperparameters.run(seed=2)`) two are much better, and five no better than three.

# %%
for alpha, training in trials.by_lr.items():
    print(f"α = {alpha:<7g} E = {max(training.E[10_000], 1e-12):.2g}")  # less is rounding error

# %%
drawings["rates"]

# %% [markdown]
# With a tenth of the rate it takes ten times as long. At 0.5 and 1 only rounding errors are left,
# and their digits mean nothing; the pictures end at 1e-12. At 2 the error climbs, at 5 it leaves
# the range of floats in some hundred updates and ends as `nan`. The bias $b$ of the output shows
# why: when the hidden units have gone to 0, $\partial E/\partial b = b - \bar y$, so that each
# update multiplies $b - \bar y$ by $1 - \alpha$. At 2 that is $-1$: it swings for ever. At 5 it is
# $-4$.

# %%
drawings["last_errors"]

# %% [markdown]
# **Try it:** `hyperparameters.train(3, 1.9)` and `hyperparameters.train(3, 2.1)`. One of them will
# end as `nan`. Which?
#
# <details><summary>Answer</summary>
#
# 2.1: there $1 - \alpha = -1.1$, so $b - \bar y$ grows by 10 % an update until it is infinite. At
# 1.9 the factor is $-0.9$ and the swing dies out, but $E$ ends at 0.226, worse than the plateau:
# the first steps have driven the hidden units to 0.
#
# </details>
#
# ## What hidden units look for
#
# A hidden unit's *feature* is the stereotypical input that makes its output about 1. Networks for
# pictures learn to detect edges in their first layer. This one has 16 pixels and two hidden units,
# and should tell horizontal and vertical bars apart. No weighted sum of pixels can: each pixel is
# lit in one vertical and in one horizontal bar, so the two classes are not linearly separable.

# %%
model = hidden_features.build()
history = sg.fit(
    model, hidden_features.X, hidden_features.Y,
    lambda y_hat, y: losses.squared_error(y_hat, y, "half_mean"),
    optim.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4), epochs=500,
)  # fmt: skip
for unit in model.layers[0].neurons:
    print([round(w.data, 1) for w in unit.w[:4]], "the weights of the first row of pixels")

# %%
seen = hidden_features.run()
views = hidden_features.figures(seen)
views["pictures"]

# %%
print(f"E with two hidden units {seen.history.losses[-1]:.0e}")
for units in (0, 1):
    print(f"E with {units} of them {hidden_features.run(units).history.losses[-1]:.3f}")

# %%
views["weights"]

# %% [markdown]
# The weights are alike along a column, positive on one side, negative on the other. So the picture
# with the largest output of such a unit has one side lit and the other dark: an edge. It is in none
# of the data; the unit learnt it because it is useful. The gradient of the output by the *pixels*
# finds it.

# %%
views["features"]

# %%
views["activity"]

# %%
views["loss"]

# %% [markdown]
# A vertical bar lies on one side and activates one of the two units. A horizontal bar crosses both
# sides, so that the positive and the negative weights cancel. The output only needs to add.
#
# **Try it:** `hidden_features.run(3)`. Two units are enough; what does the third one do? And with
# `seed=0`?
#
# <details><summary>Answer</summary>
#
# With three units, two become the same two edges as before. The third gives about 0.4 to every
# picture, and its weight to the output is −0.07: it is hardly used. With `seed=0` both units share
# one edge that separates three columns from the fourth, and the output takes their difference. The
# task has several solutions, and the start decides.
#
# </details>
#
# ## Features by hand, and learnt
#
# Before networks learnt their features, people designed them: edge filters, and Gabor filters,
# which are stripes under a round window. Two Gabor filters, a cosine and a sine, tell how much of a
# picture is striped in their direction, wherever the stripes begin:

# %%
tilted = gabor_filters.gabor(math.radians(30), phase=1.0)  # a picture: stripes turned by 30 degrees
for degrees in (0, 30, 60, 90):
    angle = math.radians(degrees)
    pair = [gabor_filters.gabor(angle, phase=phase) for phase in (0.0, -math.pi / 2)]
    print(f"{degrees:>2} degrees: {sum(sg.dot(w, tilted) ** 2 for w in pair):6.1f}")

# %% [markdown]
# Four such pairs, at 0, 45, 90 and 135 degrees, are enough to compute any angle (`by_gabors`). Now
# a network with 81 pixels, eight hidden units and two outputs should tell the angle of such
# stripes. It sees 250 pictures with their angles, and nothing about filters.

# %%
striped = gabor_filters.run()
filters = gabor_filters.figures(striped)
filters["pictures"]

# %% [markdown]
# **Predict, then run:** each hidden unit has 81 incoming weights, which can be drawn as a picture
# of 9 x 9 pixels. They begin as noise. What will they look like after learning?
#
# <details><summary>Answer</summary>
#
# Like the stripes under a window that people had designed: Gabor filters. Each unit becomes
# sensitive to one direction and one phase. The next cell shows the learnt weights, and below each
# the Gabor filter and the edge filter most like it.
#
# </details>

# %%
filters["filters"]

# %%
for j, (match, edges) in enumerate(zip(striped.gabors, striped.edges, strict=True), 1):
    print(f"unit {j}: a Gabor filter explains {match.r2:.0%}, an edge filter {edges.r2:.0%}")

# %%
filters["errors"]

# %% [markdown]
# On pictures that it has not seen, the network is between the two methods made by hand. Its hidden
# units are an internal representation that the delta rule has found.

# %%
filters["loss"]

# %% [markdown]
# **Try it:** `gabor_filters.run(hidden_units=0).errors`, a network without hidden units. Why is it
# no better than guessing?
#
# <details><summary>Answer</summary>
#
# Its error is about 49 degrees, and guessing gives 45. Shift the stripes by half a period and every
# pixel changes its sign, so every weighted sum does as well; but the angle is the same. The best
# weighted sum answers 0 to all. A hidden unit with its sigmoid responds to one sign more than to
# the other, and so can tell.
#
# </details>
