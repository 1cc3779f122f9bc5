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
# After the article *Backpropagation* of the Brilliant wiki. Back-propagation is the chain rule on
# functions within functions, done in an order that computes nothing twice. Programs differentiated
# themselves in this way from the 1970s on; in 1986 Rumelhart, Hinton and Williams showed what it
# does for neural networks.
#
# Conventions here: $w_{ij}^k$ leads from unit $i$ of layer $k-1$ to unit $j$ of layer $k$. A unit
# adds up $a_j^k = \sum_i w_{ij}^k o_i^{k-1}$, *before* the activation, and gives
# $o_j^k = g(a_j^k)$, behind it (others say $z$ and $a$!). Unit 0 of each layer is always 1.
# $E = \frac{1}{2N}\sum_d(\hat y_d - y_d)^2$ is a mean over the $N$ pairs of input and target, so a
# learning rate from a lecture that *adds up* the errors means something else here. And
# $\delta = \partial E/\partial a$.

# %%
import random

import scalargrad as sg
from scalargrad import Value, losses, nn, plot
from scalargrad.examples.brilliant import (
    five_equations,
    hidden_features,
    hyperparameters,
    six_samples,
)

# %% [markdown]
# ## Three ingredients
#
# There must be data (pairs of an input and its target), a network that feeds forward, and an error.
# Each unit is joined with every unit of the next layer, and with none of its own.

# %%
random.seed(4)
model = nn.MLP(2, [3, 2, 1], "sigmoid")
edges = sum(len(neuron.w) for layer in model.layers for neuron in layer.neurons)
print(edges, "edges, as 2·3 + 3·2 + 2·1;", len(model.parameters()) - edges, "biases, as 3 + 2 + 1")
plot.network(model, names={(0, 0): "x1", (0, 1): "x2", (3, 0): "ŷ"})

# %% [markdown]
# The data say what the *last* unit shall give. What the five hidden units shall give, nobody says.
# Their share in the error depends on the weights before them, which make their outputs, and on
# those behind, which make something of these. To find this share is what back-propagation is for.
#
# **Try it:** make the hidden layers `[3, 3, 3]`. How many edges will there be, and how many biases?
#
# ## Why not a step
#
# The first networks had units that say 1 above a threshold, and 0 below. A step is flat, except
# where it jumps; its slope is 0, and so is every gradient behind which it stands.

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
# Both units are wrong. The first does not learn from it; the second, which is a step made smooth,
# does.
#
# **Try it:** a steeper sigmoid comes closer to the step: `lambda a: sg.sigmoid(50 * a)`. What will
# become of its gradients?
#
# ## A bias is weight number 0
#
# Above, `w0` stood on an input that is always 1: it is a bias. So formulas need no special case for
# it. In this library a neuron keeps its bias apart; output and gradients are the same.

# %%
neuron = nn.Neuron(2, "sigmoid")
for parameter, number in zip([neuron.b, *neuron.w], w, strict=True):
    parameter.data = number.data
losses.squared_error(neuron(x[1:]), 1.0).backward()
[round(parameter.grad, 4) for parameter in (neuron.b, *neuron.w)]

# %% [markdown]
# Nothing leads to the unit that is always 1. So it has no $\delta$, and sums over the units of the
# layer behind begin at 1 while those over the layer before begin at 0. The article once writes
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
# In the picture of such a chain, each box bears its gradient. Those of the sums are the $\delta$.

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
# ## The five
#
# With $m$ layers behind the inputs (so a network of four layers has $m = 3$), $g$ for the hidden
# units and $g_o$ for the outputs:
#
# 1. $\dfrac{\partial E_d}{\partial w_{ij}^k} = \delta_j^k\, o_i^{k-1}$ for each pair $d$,
# 2. $\delta_j^m = g_o'(a_j^m)\,(\hat y_j - y_j)$ for the output layer,
# 3. $\delta_j^k = g'(a_j^k) \sum_{l \ge 1} w_{jl}^{k+1}\, \delta_l^{k+1}$ for a hidden layer,
# 4. $\dfrac{\partial E}{\partial w_{ij}^k} = \dfrac1N \sum_d \dfrac{\partial E_d}{\partial
# w_{ij}^k}$, the mean,
# 5. $\Delta w_{ij}^k = -\alpha\, \dfrac{\partial E}{\partial w_{ij}^k}$, the update.
#
# Slips of the article: $g_o'$ appears as $g_0'$, with a zero; "the error term $\delta_i^k$" is
# $\delta_j^k$, and $\delta_k^{k+1}$ is $\delta_l^{k+1}$; $\hat y_d^k$ has no layer index, only
# $o_j^k$ has; $\dot y$ is $\hat y$; and a section "Deriving the Gradients", to which it points, is
# called "Error Function Derivatives".
#
# The example has them as plain Python, for any depth and widths, and beside them the engine, which
# knows none of the five. For the first pair of a 2-3-2-1 network:

# %%
both = five_equations.run()
pair = both.pairs[0]
for k, (hand, engine) in enumerate(zip(pair.delta, both.a[0], strict=True), 1):
    for j, (delta, a) in enumerate(zip(hand, engine, strict=True), 1):
        print(f"δ{j} of layer {k}: {delta:+.6f} by hand, {a.grad * len(both.pairs):+.6f} by engine")
print("all gradients agree to 1e-15:", both.largest_difference < 1e-15)

# %%
five_equations.figures(both)["network"]

# %% [markdown]
# The widest lines end at the output. $\delta$ shrinks from layer to layer on its way back, since
# $g' \le \frac14$ for a sigmoid and the weights are below 1.
#
# One update with $\alpha = 0.1$ takes $E$ from

# %%
print(f"{both.E.data:.6f} to {both.E_after:.6f}")

# %% [markdown]
# **Try it:** `five_equations.run(activation="sin")`. Nobody would use that. Do the equations mind?
#
# ## Pair by pair
#
# Equation 4 follows from $E$ being a mean: the derivative of a sum is the sum of the derivatives.
# So the pairs do not need one another. They can be taken one after the other, on many cores, or as
# the rows of a matrix.


# %%
def output(weights, x):
    return five_equations.build(x, weights)[1][-1][0]


X, Y, W = five_equations.X, five_equations.Y, five_equations.WEIGHTS
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
# Replay lives on that: the network is recorded for *one* sample, and the recording runs over as
# many as there are. (More on speed in the README; the numbers are the same.)

# %%
six = six_samples.build()
error = sg.compile(
    lambda x, y: losses.squared_error(six(x), y), params=six.parameters(), backend="python"
)
print(error.record([[0, 0, 1]], [0]))

# %% [markdown]
# **Try it:** drop the third pair from `X` and `Y`. Which of the numbers above will change?
#
# ## Forward first
#
# The way back needs the $a$ and $o$ of the way forward: they are remembered. Here the local
# derivatives are taken down while a number is made. Change a weight behind its back, and you get
# the gradient of the *old* network. So every iteration is forward, backward, update, in this order.

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
# As a film: first forward from left to right, then backward from right to left.

# %%
sg.steps(E)

# %% [markdown]
# How much must be remembered? For a sigmoid only $o$, as $\sigma'(a) = o(1 - o)$. With sigmoids and
# a linear output the equations 2 and 3 become
#
# $$\delta^m = \hat y - y, \qquad \delta_j^k = o_j^k(1 - o_j^k)\sum_l w_{jl}^{k+1}\delta_l^{k+1}$$
#
# and no $a$ is in them. (A trap in programs: a function `sigmoid(x, derivative=True)` takes $x$,
# and computes $o$ again; a function of $o$ is another one.)

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
learnt = six_samples.run()
print("iteration ", "  ".join("".join(map(str, x)) for x in six_samples.X))
for k in six_samples.SHOWN:
    print(f"{k:>9}  ", "  ".join(f"{o:+.2f}" for o in learnt.snapshots[k].outputs))
print("targets    ", "      ".join(map(str, six_samples.Y)))

# %%
pictures = six_samples.figures(learnt)
pictures["outputs"]

# %% [markdown]
# At first all six drift to 0.5, the mean of the targets, for the bias of the output learns fastest.
# There they stay: a plateau, on which $E$ hardly moves. It takes about a thousand iterations until
# the hidden units have something to offer.

# %%
pictures["loss"]

# %% [markdown]
# A detail: the program prints the outputs of its last iteration, computed *before* the last update.
# After it they are a little better.

# %%
for y, printed, after in zip(six_samples.Y, learnt.printed, learnt.outputs, strict=True):
    print(f"target {y}   printed {printed:.8e}   after the update {after:.8e}")

# %% [markdown]
# The same written by hand, equations and all, is `six_samples.printed_program`. Do its weights,
# after 100 iterations, agree with the engine's to 13 digits?

# %%
print("agree to 13 digits:", learnt.difference < 1e-13)

# %% [markdown]
# **Try it:** `six_samples.run(lr=0.01)`. Which line of the table will its last one be like?
#
# ## How many, how long, how fast
#
# The article's advice: more hidden units and more iterations fit better, generally; too small a
# rate is slow, too large a rate diverges. All of it can be tried in seconds.

# %%
trials = hyperparameters.run()
for n, training in trials.by_hidden_units.items():
    print(f"{n:>2} hidden ", "  ".join(f"{E:8.1e}" for E in training.E.values()))
print("\nafter        ", "     ".join(map(str, trials.iterations)))

# %%
drawings = hyperparameters.figures(trials)
drawings["hidden_units"]

# %% [markdown]
# "Generally" is the right word: two hidden units end no better than one. From other starting
# weights (`hyperparameters.run(seed=2)`) two are much better, and five no better than three.

# %%
for alpha, training in trials.by_lr.items():
    print(f"α = {alpha:<7g} E = {training.E[10_000]:.3g}")

# %%
drawings["rates"]

# %% [markdown]
# With a tenth of the rate it takes ten times as long. At 0.5 and 1 nothing but rounding errors is
# left, and their digits mean nothing. At 2 the error climbs, at 5 it leaves the range of floats in
# some hundred updates and ends as `nan`. The bias $b$ of the output shows why: when the hidden
# units have gone to 0, $\partial E/\partial b = b - \bar y$, so that each update multiplies
# $b - \bar y$ by $1 - \alpha$. At 2 that is $-1$: it swings for ever. At 5 it is $-4$.

# %%
drawings["last_errors"]

# %% [markdown]
# **Try it:** `hyperparameters.train(3, 1.9)` and `hyperparameters.train(3, 2.1)`. One of them will
# end as `nan`. Which?
#
# ## What hidden units look for
#
# A hidden unit's *feature* is its stereotype: the input that makes its output about 1. Networks
# that see come to look for edges in their first layer. This one has 16 pixels and two hidden units,
# and is to tell upright bars from level ones. No weighted sum of pixels can: each pixel is lit in
# one upright and in one level bar.

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
# The weights form stripes: alike along a column, positive on one side, negative on the other. So
# the picture that such a unit likes best of all has one side lit and the other dark. It was in no
# data; the unit found it useful. It is found by the gradient of the output by the *pixels*.

# %%
views["features"]

# %%
views["activity"]

# %% [markdown]
# An upright bar lies on one side, and wakes one of the two units. A level bar crosses both, and
# what the lit side gives the dark side takes. The output needs only to add.
#
# **Try it:** `hidden_features.run(3)`. Two units are enough; what does the third one do? And with
# `seed=0`?
