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
# # How it works (and how it fails)
#
# A network makes an error. Which of its weights are to blame, and by how much? Back-propagation
# gives every weight its share. The first half begins with a network of one weight, where
# everything can be checked on paper, and ends with one of a million that recalls photographs. The
# second half adds hidden layers, and shows what goes wrong.
#
# This notebook follows J. V. Stone's lecture "Backprop: how it works (and how it fails)". The page
# [equation by equation](../docs/concordance/stone.md) has a line of code and a number for each
# numbered equation of the lecture. Its names, which the code keeps:
#
# | name | what it is |
# |---|---|
# | $x$ | the state of an input unit |
# | $w$ | a weight, from one unit to another |
# | $u$ | the input of a unit: the weighted sum of the states before it |
# | $z = f(u)$ | the state of a hidden unit, in the second half |
# | $y = f(u)$ | the state of an output unit |
# | $\tau$ | tau, the target: what $y$ should be |
# | $x \to \tau$ | an association, which should be learnt |
# | $\delta = y - \tau$ | the delta of an output: by how much it is wrong |
# | $\epsilon$ | epsilon, the learning rate |
#
# Predict before you run: where it says **Predict**, write your answer down first. The answers are
# folded.

# %%
import numpy as np

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.examples.stone import four_by_four, photographs, simplest_network, two_inputs

# %% [markdown]
# ## The simplest network
#
# One input, one weight, one output: $u = w x$ and $y = f(u)$, where $f$ changes nothing. For $x =
# 0.8$ the output should be $\tau = 0.2$. The weight is $0.4$, so the output is wrong. How wrong?
# $E = \frac12 (y - \tau)^2$.
#
# First on paper, in plain numbers:

# %%
simplest = simplest_network.run()
simplest_pictures = simplest_network.figures(simplest)
simplest_pictures["network"]

# %%
x, tau, w = 0.8, 0.2, 0.4
y = w * x
delta = y - tau
print(f"y = {y:.2f}, δ = {delta:.2f}, E = {0.5 * delta**2:.4f}, dE/dw = δ x = {delta * x:.3f}")

# %% [markdown]
# Then with the engine. Every operation makes a node of a graph, and `backward` goes through it
# from $E$ back to the weight: the backward pass.

# %%
x, w = Value(0.8, "x"), Value(0.4, "w")
y = w * x
y.label = "y"
E = losses.squared_error(y, 0.2)
E.label = "E"
E.backward()
sg.draw(E)

# %% [markdown]
# `y.grad` is $\partial E / \partial y$, which is $\delta$ itself. One step further back it is
# multiplied by the input of that weight: $\frac{dE}{dw} = \delta x = 0.12 \cdot 0.8 = 0.096$.

# %%
sg.explain(E, w)

# %% [markdown]
# A neuron of this library is the same. It makes one node for $u$ and, if it has an activation, one
# for $y$. You can look at both.

# %%
neuron = nn.Neuron(1, "tanh", bias=False)
neuron.w[0].data = 0.4
output = neuron([0.8])
(u,) = output.parents
u.data, output.data

# %% [markdown]
# **Predict, then run:** the same network with `w = Value(0.25, "w")`. What are $\delta$ and
# $dE/dw$, and what does the weight learn from this association?
#
# <details><summary>Answer</summary>
#
# $y = 0.25 \cdot 0.8 = 0.2 = \tau$, so $\delta = 0$ and $dE/dw = 0$: the association is learnt
# already, and the weight stays. $w^* = \tau / x = 0.25$ is the minimum of $E$.
#
# </details>

# %%
sg.value_and_grad(simplest_network.error)(0.25)

# %% [markdown]
# ## The slope of the error
#
# $E$ depends on $w$ alone, so it can be drawn. The gradient is the slope of the tangent. If you
# only have values of $E$, take a small step $\Delta w$ and divide: $\Delta E / \Delta w$ is the
# slope of a secant. To the right of the minimum it is too steep.

# %%
simplest_pictures["error_curve"]


# %%
def error(w):
    """E as a function of the weight alone."""
    return 0.5 * (w * 0.8 - 0.2) ** 2


for step in (0.1, 0.001, 1e-6, 1e-9, 1e-12):
    ratio = (error(0.4 + step) - error(0.4)) / step
    print(f"Δw = {step:<6g}  ΔE/Δw = {ratio:.9f}  too steep by {ratio - 0.096:+.1e}")

# %% [markdown]
# By how much too steep? On a parabola by exactly $\frac12 x^2 \Delta w$, which is $0.032$ for a
# step of $0.1$. So it helps to take a small step, but not too small a one: in $E(w + \Delta w) -
# E(w)$ the leading digits cancel, and the last line is worse than the two before it.
# Back-propagation has no such trouble. It multiplies derivatives that are known, and takes no
# differences.
#
# The *sign* of the gradient says in which direction $E$ grows, its *size* how steeply. To the left
# of the minimum at $w^* = 0.25$ it is negative:

# %%
[round(sg.grad(error)(place), 3) for place in (-0.5, 0.0, 0.25, 0.5, 1.0)]

# %% [markdown]
# ## Learning one association
#
# The gradient points uphill, so go the other way: $\Delta w = -\epsilon \frac{dE}{dw}$. This is
# steepest descent. Repeat it until the gradient is about zero.
#
# The test must be *inside* the loop. On the slide the indentation was lost, and the `if` comes
# after the loop that it should end.

# %%
w = Value(0.4, "w")
optimizer = optim.SGD([w], lr=0.5)
updates = 0
while True:
    optimizer.zero_grad()
    error(w).backward()
    optimizer.step()
    updates += 1
    if abs(w.grad) < 1e-6:  # the gradient from before this update
        break
updates, round(w.data, 6)

# %% [markdown]
# **Predict, then run:** each update multiplies the distance to $w^*$ by $1 - \epsilon x^2$, and
# $x^2 = 0.64$. What happens at $\epsilon = 1.5625$, at $3$, at $3.125$ and at $3.5$?
#
# <details><summary>Answer</summary>
#
# The factors are $0$, $-0.92$, $-1$ and $-1.24$. At $1.5625 = 1/x^2$ one update is enough. At $3$
# the weight jumps from side to side and settles slowly. At $3.125 = 2/x^2$ it swings between 0.4
# and 0.1 for ever, and the error does not change at all. At $3.5$ every jump ends further away
# than it began: descent diverges.
#
# </details>

# %%
for rate in (0.1, 0.5, 1.0, 1.5625, 2.0, 3.0, 3.125, 3.5):
    w, path = 0.4, []
    for _ in range(5):
        w -= rate * sg.grad(error)(w)
        path.append(f"{w:+.4f}")
    print(f"ε = {rate:<7g} factor {1 - rate * 0.64:+.3f}  w: {'  '.join(path)}")

# %%
simplest_pictures["descents"]

# %%
simplest_pictures["weights"]

# %%
{rate: descent.updates for rate, descent in simplest.descents.items()}

# %% [markdown]
# The numbers are the updates until the gradient is below $10^{-6}$; `None` is never.
#
# **Try it:** `simplest_network.learn(3.12, limit=10_000).updates`. Just below the limit of 3.125
# it does settle. After how many updates?
#
# <details><summary>Answer</summary>
#
# After 3,581: the factor is $1 - 3.12 \cdot 0.64 = -0.9968$, so that each update keeps 99.68 % of
# the distance.
#
# </details>

# %% [markdown]
# ## Two inputs, two associations
#
# With two inputs the output is $y = w_1 x_1 + w_2 x_2 = \mathbf{w} \cdot \mathbf{x}$, and $E$ is a
# surface over the plane of the two weights. There are two associations, and their errors are
# added: $E = E_1 + E_2$.

# %%
two = two_inputs.run()
two_pictures = two_inputs.figures(two)
two_pictures["network"]

# %% [markdown]
# By the chain rule each association has the gradient $\delta_t \mathbf{x}_t$, and the gradient of
# the sum is the sum of the gradients, $\nabla E = \sum_t \delta_t \mathbf{x}_t$:

# %%
X, targets, start = [(0.9, 0.3), (-0.4, 0.7)], [0.69, 0.36], [-0.8, -1.6]
total = [0.0, 0.0]
for x, target in zip(X, targets, strict=True):
    delta = start[0] * x[0] + start[1] * x[1] - target
    gradient = [delta * xi for xi in x]
    total = [a + b for a, b in zip(total, gradient, strict=True)]
    print(f"x = {x}: δ = {delta:+.2f}, gradient ({gradient[0]:+.3f}, {gradient[1]:+.3f})")
print(f"the sum is the gradient of E: ({total[0]:+.3f}, {total[1]:+.3f})")


def error_of(w):
    """E of both associations."""
    return losses.squared_error([sg.dot(w, x) for x in X], targets)


by_engine = sg.grad(error_of)(start)
print(f"the engine says the same:     ({by_engine[0]:+.3f}, {by_engine[1]:+.3f})")

# %% [markdown]
# On the ground below the surface, the arrow is $-\nabla E$, the direction in which the error falls
# most. The white dots are the weights after each update.

# %%
two_pictures["surface"]

# %% [markdown]
# The algorithm goes through all associations first, adds up their gradients, and then makes one
# update. Gradients add up over calls of `backward`, so nothing has to be done for this, and
# `zero_grad` begins the next sum.

# %%
w = [Value(-0.8, "w1"), Value(-1.6, "w2")]
optimizer = optim.SGD(w, lr=0.5)
for number in range(3):
    optimizer.zero_grad()
    for x, target in zip(X, targets, strict=True):
        losses.squared_error(sg.dot(w, x), target).backward()
    optimizer.step()
    print(f"after {number + 1}: w = ({w[0].data:+.4f}, {w[1].data:+.4f})")

# %%
two_pictures["contours"]

# %% [markdown]
# The path does not lead straight to the minimum. It crosses the contours at right angles, and the
# bowl is wider in one direction than in the other. What is steep is learnt fast.
#
# **Try it:** put `optimizer.zero_grad()` before the `for number` loop, so that it is called only
# once, and let it run for 20 updates. The old gradients then stay in the sum. What does the path
# look like?
#
# <details><summary>Answer</summary>
#
# It never settles. The sum of all old gradients is a velocity without friction: after 3 updates
# the weights have passed the minimum (0.5, 0.8), after 5 they are at (1.51, 3.28), and they circle
# around it for ever. The error is 0.12 after 2 updates, 2.25 after 5, and 2.66 after 17.
#
# </details>

# %% [markdown]
# ## How many associations fit into two weights?
#
# Each association is one equation, $\mathbf{w} \cdot \mathbf{x}_t = \tau_t$, a straight line in
# the plane of the weights. Two lines usually cross in one point, which Cramer's rule finds:

# %%
(a, b), (c, d) = X
determinant = a * d - b * c
w1 = (targets[0] * d - b * targets[1]) / determinant
w2 = (a * targets[1] - targets[0] * c) / determinant
print(f"determinant {determinant:.2f}, solution ({w1:.6f}, {w2:.6f})")

# %%
two_pictures["lines"]

# %% [markdown]
# Three lines leave a triangle, and no weights suit all three: the error stays at 0.090. And two
# inputs that point the same way are really one question, asked twice. If the targets disagree,
# there is no solution. If they agree, there are infinitely many, and descent ends at the one that
# is nearest to the start (the white dots). So it is not the *number* of associations that counts,
# but whether their inputs are linearly independent. For inputs on one line the determinant is
# zero:

# %%
try:
    two_inputs.crossing(two_inputs.COLLINEAR)
except ValueError as fault:
    print(fault)

# %% [markdown]
# A trap: $x_{it}$ is input unit $i$ of association $t$. A table written that way has an
# association in each *column*. Read by rows it is another problem, of the same shape and without
# any error message:

# %%
[round(w, 3) for w in two.solution], [round(w, 3) for w in two.transposed]

# %% [markdown]
# **Try it:** give the two inputs on one line a start of your own, `two_inputs.learn(0.2, (0.0,
# 0.0), two_inputs.COLLINEAR).weights[-1]`. In which direction did the weights move, and in which
# did they not?
#
# <details><summary>Answer</summary>
#
# They end at (0.282, 0.094), which is three times as far in $w_1$ as in $w_2$: exactly the
# direction of the inputs (0.9, 0.3). At right angles to it nothing moves, because each gradient is
# a multiple of an input.
#
# </details>

# %% [markdown]
# ## Four networks in one
#
# Four inputs and four outputs make sixteen weights. But no weight serves two outputs. So this is
# four networks with one output which happen to look at the same inputs.

# %%
four = four_by_four.run()
four_pictures = four_by_four.figures(four)
four_pictures["one_network"]

# %%
four_pictures["four_networks"]

# %% [markdown]
# The four inputs are pixels in a ring, and the task is to move a bar of two pixels one to the
# right. Train all sixteen weights together, and then each row of four alone:

# %%
bars = np.array(four_by_four.X).T  # a column for each association
wanted = np.array(four_by_four.TARGETS).T
W = np.array(four_by_four.W0)
alone = W.copy()
for _ in range(200):
    W -= 0.4 * (W @ bars - wanted) @ bars.T
for k in range(4):
    for _ in range(200):
        alone[k] -= 0.4 * (alone[k] @ bars - wanted[k]) @ bars.T
print("the same weights:", np.allclose(W, alone, rtol=0.0, atol=1e-14))
print("with the engine the largest difference is", four.apart)

# %%
four_pictures["errors"]

# %% [markdown]
# **Predict, then run:** only three of the four bars were shown. What does the network answer to
# the fourth, `1 0 0 1`? And to `+ - + -`, which is at right angles to all bars?
#
# <details><summary>Answer</summary>
#
# The fourth bar is the first minus the second plus the third, and a linear network keeps such
# sums: it moves this bar as well. To `+ - + -` it still answers what it answered before it learnt,
# because no gradient ever pointed in that direction.
#
# </details>

# %%
for bar in ([1, 0, 0, 1], [1, -1, 1, -1]):
    before, after = np.array(four_by_four.W0) @ bar, W @ bar
    print(bar, " before", np.round(before, 2), " after", np.round(after, 2) + 0.0)

# %%
four_pictures["answers"]

# %% [markdown]
# **Try it:** let the third bar stay where it is: `course =
# four_by_four.together(targets=(*four_by_four.TARGETS[:2], four_by_four.X[2]))`. What does
# `four_by_four.build(course.weights[-1], four_by_four.UNSEEN)` make of the fourth bar then?
#
# <details><summary>Answer</summary>
#
# `0 1 1 0`: the target of the first bar minus that of the second plus that of the third, (0, 1, 1,
# 0) - (0, 0, 1, 1) + (0, 0, 1, 1). It moves the fourth bar by two places. Nobody told it to; it
# generalises by its linearity.
#
# </details>

# %% [markdown]
# ## Learning photographs
#
# The same network, larger: every pixel is an input and an output, and what it should learn for a
# photograph is the photograph itself. What is that good for? Show it a *damaged* photograph
# afterwards.
#
# Here with 32 x 32 pixels, which are a million weights. `python -m scalargrad run photographs`
# does it with 50 x 50, which are 6.25 million.

# %%
album = photographs.run(n=32, updates=50, way="unit")
album_pictures = photographs.figures(album)
album_pictures["pictures"]

# %% [markdown]
# Nobody told the network *which* of its two pictures to look up: the memory is found by its
# content. Such a memory is called content-addressable. The whole algorithm is one line, $\Delta W
# = -\epsilon \sum_t (\mathbf{y}_t - \mathbf{x}_t) \mathbf{x}_t^\top$:

# %%
P = np.array(album.photos).T  # a column for each picture
W = np.zeros((1024, 1024))
for _ in range(50):
    W -= album.lr * (W @ P - P) @ P.T
recalled = W @ np.array(album.noisy)
np.allclose(recalled, album.training.end.picture)  # what the engine's weights recall

# %% [markdown]
# **Predict, then run:** cover everything but a strip with the eyes. Which picture comes back, and
# with how much of its contrast?
#
# <details><summary>Answer</summary>
#
# The portrait: its share is three times that of the boat. But the strip has less than a fifth of
# the picture, and about that much of the contrast comes back. A linear memory recalls as much as
# it is given.
#
# </details>

# %%
strip = [p if 12 <= i // 32 < 18 else 0.0 for i, p in enumerate(album.photos[0])]
shares = np.linalg.lstsq(P, W @ np.array(strip), rcond=None)[0]
print(f"portrait {shares[0]:+.3f}, boat {shares[1]:+.3f}")

# %% [markdown]
# How many pictures fit? The more are stored, the more of the noise passes, because a mixture of
# many pictures can imitate noise. And half a face may be the half of another one:

# %%
album_pictures["capacity"]

# %%
for one in album.capacity:
    line = f"{one.passes:4.0%} of the noise passes, {one.right:4.0%} right from a half"
    print(f"{one.stored:>4} stored: {line}")

# %% [markdown]
# The third picture here began with random weights instead of zero. It learnt the photographs as
# well, but descent changes weights only along the inputs that it is shown. On everything else, the
# noise for instance, the old weights still act. So start at zero, or near it.

# %%
album_pictures["starts"]

# %%
album_pictures["errors"]

# %% [markdown]
# The graph of one update has two `dot` nodes for each output, one for each photograph. At 50 x 50
# that makes 5,000 nodes of 2,500 weights, and some seconds an update. But the outputs share no
# weights, as we saw. So it is enough to *record* one output unit, and to replay it for all 2,500
# rows of weights. The result is the same:

# %%
for way in ("eager", "unit"):
    small = photographs.run(n=12, updates=12, way=way, start_at_random=False)
    print(f"{way:<6} rmse of the recalled picture {small.training.end.rmse:.9f}")

# %% [markdown]
# **Try it:** `[photographs.run(n=32, updates=k, way="unit").training.end.rmse for k in (1, 5,
# 50)]`. Are more updates always better?
#
# <details><summary>Answer</summary>
#
# No: the errors are 0.074, 0.0136 and 0.0160. What is learnt early is what is largest in the
# pictures. In the end all of the noise that happens to resemble a picture is recalled as well. To
# stop early is an idea to which we come back.
#
# </details>

# %% [markdown]
# ## Who is to blame?
#
# So far every weight led straight to an output. Now put layers in between. The network gives a
# wrong answer: whose fault is it? Each weight's share is $\partial E / \partial w$, by how much
# the error would change if this weight alone did. That is credit assignment.

# %%
from scalargrad.examples.stone import backprop_network, credit_assignment, fitting, local_minima

blame = credit_assignment.run()
blame_pictures = credit_assignment.figures(blame)
blame_pictures["blame"]

# %% [markdown]
# A thick line has much of the blame. A dashed one has a negative derivative: more of this weight
# would have made the error *smaller*. All of it comes from one backward pass. Check one weight by
# changing it alone:

# %%
w = blame.model.layers[0].neurons[0].w[0]
errors = []
for change in (1e-5, -1e-5):
    w.data += change
    outputs = credit_assignment.build(blame.model).z[-1]
    errors.append(losses.squared_error(outputs, credit_assignment.TARGET).data)
    w.data -= change
print(f"by differences {(errors[0] - errors[1]) / 2e-5:.8f}, by the backward pass {w.grad:.8f}")

# %% [markdown]
# The weights on the left have thin lines. Is that because they are innocent?

# %%
blame_pictures["shares"]

# %% [markdown]
# Not quite. The slope of a sigmoid is $z (1 - z)$, never more than $1/4$, and the backward pass
# multiplies by it at every hidden layer. Three hidden layers leave little.
#
# **Try it:** `credit_assignment.run(hidden="tanh")`. The slope of tanh goes up to 1. What happens
# to the first layer's share?
#
# <details><summary>Answer</summary>
#
# It grows from 6 % to 36 %. With slopes near 1 the deltas hardly shrink on the way.
#
# </details>

# %% [markdown]
# All 54 nodes of this network's graph, for those who want to follow a path:

# %%
blame_pictures["graph"]

# %% [markdown]
# ## Back-propagation by hand
#
# One hidden layer is enough to see how it works. Forward, with $u$ for the sum of a unit:
#
# $$u_j = \sum_i w_{ij} x_i \qquad z_j = \sigma(u_j) \qquad y_k = u_k = \sum_j w_{jk} z_j$$
#
# Each sum runs over one unit more than there are inputs: the bias unit, which is always 1. Its
# weight is learnt like any other. (On the slide it reads as though the formulas ignored it. The
# upper limit $I + 1$ says that they do not.)
#
# Backward, with $\delta = \partial E / \partial u$:
#
# $$\delta_k = y_k - \tau_k \qquad \delta_j = z_j (1 - z_j) \sum_k \delta_k w_{jk}$$
#
# A hidden unit collects the deltas of *all* outputs, over the same weights that led there:

# %%
net = backprop_network.run()
net_pictures = backprop_network.figures(net)
net_pictures["recipe"]

# %% [markdown]
# With the engine you do not have to write that down. $\delta$ is the `.grad` of the node $u$, and
# needs no extra code. Here for hidden unit 1 and the first association:

# %%
x, target = backprop_network.X[0], backprop_network.TARGETS[0]
hidden_weights = [[Value(w) for w in row] for row in backprop_network.W1]
layers = backprop_network.build(hidden_weights, backprop_network.W2, x)
losses.squared_error(layers.y, target).backward()
u, z = layers.u[0], layers.z[0]

deltas = [y.data - t for y, t in zip(layers.y, target, strict=True)]
blamed = sum(delta * row[0] for delta, row in zip(deltas, backprop_network.W2, strict=True))
by_hand = z.data * (1 - z.data) * blamed
print(f"by the engine {u.grad:+.12f}")
print(f"by hand       {by_hand:+.12f}")

# %% [markdown]
# A weight's derivative is then the delta after it times the state before it. For the bias the
# state is 1, so its derivative is the delta itself:

# %%
[w.grad for w in hidden_weights[0]], [u.grad * state for state in [*x, 1.0]]

# %% [markdown]
# **Predict, then run:** change one of the two targets by 0.1. Which of the three hidden deltas
# change?
#
# <details><summary>Answer</summary>
#
# All three: every output delta comes back to every hidden unit. Each changes by $-0.1\, w_{jk}\,
# z_j (1 - z_j)$.
#
# </details>

# %%
before = backprop_network.by_hand(backprop_network.W1, backprop_network.W2, x, target).delta
other = [target[0] + 0.1, target[1]]
after = backprop_network.by_hand(backprop_network.W1, backprop_network.W2, x, other).delta
[round(new - old, 4) for new, old in zip(after, before, strict=True)]

# %% [markdown]
# ## The short algorithm
#
# The lecture's "Backprop (short version)": start at random weights; repeat until $|\nabla E|
# \approx 0$: set $\nabla E$ to zero, go through the associations, add the gradient of each, and
# make one update. (On the slide $t$ runs from 1 to $N$; it should be $T$, the number of
# associations.)

# %%
w1, w2 = backprop_network.random_weights(seed=0)
w1, w2 = ([[Value(w) for w in row] for row in rows] for rows in (w1, w2))
weights = [w for row in w1 + w2 for w in row]
optimizer = optim.SGD(weights, lr=0.2)
updates = 0
while True:
    optimizer.zero_grad()  # ∇E = 0
    for x, target in zip(backprop_network.X, backprop_network.TARGETS, strict=True):
        layers = backprop_network.build(w1, w2, x)
        losses.squared_error(layers.y, target).backward()  # adds ∇E_t
    length = sum(w.grad**2 for w in weights) ** 0.5
    if length < 1e-4:
        break
    optimizer.step()  # one update
    updates += 1
updates, backprop_network.short_version(seed=0).updates  # the second one in plain floats, by hand

# %%
net_pictures["short"]

# %% [markdown]
# **Try it:** move the update inside the `for` loop, and call `zero_grad` before each association.
# Is that the same algorithm?
#
# <details><summary>Answer</summary>
#
# No. The weights then move after every association, and the next gradient is taken at other
# weights. This is stochastic (or online) descent. It often works as well, and needs no memory for
# the sum, but the path is another one.
#
# </details>

# %% [markdown]
# ## A slip worth making
#
# The slides give the change of a weight for one association, $\Delta w_t = -\epsilon \, \partial
# E_t / \partial w$, and then, for all of them, $\Delta w = -\epsilon \sum_t \Delta w_t$. Minus
# times minus is plus.
#
# **Predict, then run:** what does the error do with this step, in which $\epsilon = 0.2$?
#
# <details><summary>Answer</summary>
#
# It climbs. The step is $+\epsilon^2 = +0.04$ times the gradient: a fifth as long as the correct
# one, and uphill.
#
# </details>

# %%
right, printed = net.errors[1], net.errors_as_printed[1]
print(f"E at the start {net.errors[0]:.5f}, one correct step {right:.5f}, as printed {printed:.5f}")

# %%
net_pictures["steps"]

# %% [markdown]
# The correct one is $\Delta w = \sum_t \Delta w_t$: the minus sign and the rate are in it already.
# There are smaller slips too. Equation 48 has lost the index $k$ of $y_{kt} - \tau_{kt}$. Equation
# 44 is named where the rule for the output weights, 42, is meant. A program cannot be read so
# kindly: it has to be right, or the error climbs.
#
# **Try it:** `w1, w2 = backprop_network.printed_step(lr=0.0001)`, then
# `backprop_network.short_version(w1, w2, limit=0).errors[0]`. With a small rate the slip hardly
# shows. Would you have found it?
#
# <details><summary>Answer</summary>
#
# $E$ rises by 0.0000000075, in the ninth digit. A comparison with the gradient by differences
# finds it at once, whatever the rate is: the step should be $-\epsilon$ times it.
#
# </details>

# %% [markdown]
# ## What a hidden layer can do
#
# The answer to exclusive or is 1 if exactly one of the inputs is 1. These two classes are not
# linearly separable: no straight line has both ones on its one side and both zeros on the other.
# So a linear unit answers 1/2 to everything, which is the least wrong that it can be, and a
# perceptron corrects itself for ever. With three hidden units, each of which learns an internal
# representation of the inputs, it is easy.

# %%
net_pictures["xor"]

# %%
print("linear unit", [round(y, 3) for y in net.xor.unit])
print("network    ", [round(abs(y), 3) for y in net.xor.network])
made = f"{net.xor.corrections} corrections from zero weights"
print("perceptron: ", made + ", and done:", net.xor.converged)
for x in backprop_network.XOR:  # the internal representation: the states of the hidden units
    print(x, [round(z.data, 2) for z in net.xor.model.layers[0](x)])

# %% [markdown]
# **Try it:** `backprop_network.learn_xor(hidden=1).network`. And with `hidden=2`, for the seeds 0
# to 5?
#
# <details><summary>Answer</summary>
#
# One hidden unit is not enough: 0.03, 0.65, 0.65, 0.67. With two, five of the six seeds learn it.
# Seed 3 has two answers wrong after 800 epochs (0.02, 0.97, 0.50, 0.51). It is on ground that is
# almost flat, and gets off it if it has `epochs=3000`. The next section is about places that
# nothing gets off.
#
# </details>

# %% [markdown]
# ## How it fails: local minima
#
# Descent goes downhill, and nothing else. A parabola has one lowest place, so nothing can go
# wrong. With a sigmoid it can. Take a single unit $y = \sigma(w x)$ that should answer 0.1 to 10
# and 0.9 to 1. It cannot do both, and there are two compromises:


# %%
def error(w):
    """E of one sigmoid unit, for 10 → 0.1 and 1 → 0.9."""
    return 0.5 * (sg.sigmoid(10 * w) - 0.1) ** 2 + 0.5 * (sg.sigmoid(w) - 0.9) ** 2


minima = local_minima.run()
minima_pictures = local_minima.figures(minima)
minima_pictures["shallow"]

# %% [markdown]
# **Predict, then run:** balls start at 0.4 and 0.6, next to each other, and the ridge is at 0.489.
# Where do they end, with $\epsilon = 0.5$?
#
# <details><summary>Answer</summary>
#
# The one from 0.4 ends at the global minimum $w = -0.155$, where $E = 0.099$, the one from 0.6 at
# the local minimum $w = 2.197$, where $E = 0.405$. No number of further steps will change that.
#
# </details>

# %%
slope = sg.grad(error)
for start in (0.4, 0.6):
    w = start
    for _ in range(3000):
        w -= 0.5 * slope(w)
    print(f"from {start}: w = {w:+.3f}, E = {error(w):.3f}")

# %% [markdown]
# Where else is the gradient zero? Such a place is a stationary point. Newton's method goes to any
# of them, be it a minimum or a maximum. From twelve starts between -1 and 4 it finds three. The
# second derivative says what they are:

# %%
for point in minima.points:
    bend = point.curvatures[0]
    print(f"w = {point.w[0]:+.5f}   E = {point.E:.5f}   curvature {bend:+.4f}   {point.kind}")

# %% [markdown]
# With a second input that asks for the same, the error is a surface: a sum of two such curves, one
# for each weight. So every pair of stationary points is one of the surface: four minima, a
# maximum, and four saddles, which go up in one direction and down in another.

# %%
minima_pictures["above"]

# %%
kinds = [point.kind for point in minima.points2]
{kind: kinds.count(kind) for kind in ("minimum", "saddle", "maximum")}

# %% [markdown]
# Four balls from about the same place, four different ends.
#
# The shallow valley of this example is hard to see. With other associations, 10 → 0.1 once and 1 →
# 0.8 four times in the first input, both valleys are plain, here as a surface, and as its section
# at $w_2 = 0$:

# %%
minima_pictures["surface"]

# %%
minima_pictures["section"]

# %% [markdown]
# **Try it:** `local_minima.roll([0.4], lr=1.0).path[-5:]` and `local_minima.roll([0.6],
# lr=1.0).path[-1]`. Does a large rate prefer the better minimum, or the wider one?
#
# <details><summary>Answer</summary>
#
# The wider one. The deep valley is so narrow that steps of this size jump from one side of it to
# the other for ever (-0.239, -0.114, -0.270, ...): its curvature is 2.85, and it holds a ball only
# at rates below 2/2.85 = 0.70. The shallow valley still holds its ball, at 2.197.
#
# </details>

# %% [markdown]
# ## How it fails: too much fits too well
#
# Ten noisy points, and polynomials to go through them. A polynomial of degree 1 has too few
# weights: this is underfitting. One of degree 9 has ten weights for ten points, and goes through
# all of them: overfitting. In between there is a fit that is just right, the Goldilocks fit. The
# points marked by crosses were not used to fit. To be good on these, too, is *generalisation*.
#
# **Predict, then run:** $R^2$ is the proportion of the variance that a fit explains, 1 for all of
# it. What is it for degree 9, on the red dots and on the crosses?
#
# <details><summary>Answer</summary>
#
# 1 on the dots, where all errors are 0. On the crosses it is -0.07: worse than a constant, whose
# $R^2$ is 0.
#
# </details>

# %%
fit = fitting.run()
for degree, one in fit.fits.items():
    name = fitting.NAMES.get(degree, "")
    scores = [round(score, 3) + 0.0 for score in (one.r2, one.r2_validation)]  # no -0.0
    print(f"degree {degree}: R² {scores[0]:.3f}, on the crosses {scores[1]:6.3f}  {name}".rstrip())

# %%
fit_pictures = fitting.figures(fit)
fit_pictures["fits"]

# %%
fit_pictures["generalisation"]

# %% [markdown]
# What $R^2$ is, in a line of NumPy for degree 3:

# %%
y, y_hat = np.array(fitting.Y), np.array([fit.fits[3](x) for x in fitting.X])
r2 = 1 - ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()
print(f"{r2:.6f}, by the library {fit.fits[3].r2:.6f}")

# %% [markdown]
# `scalargrad.metrics.r2_score` takes Values too. So you can ask which of the outputs would improve
# the fit most:

# %%
from scalargrad.metrics import r2_score

outputs = [Value(fit.fits[1](x)) for x in fitting.X]
r2_score(fitting.Y, outputs).backward()
[round(y.grad, 2) for y in outputs]

# %% [markdown]
# **Try it:** `fitting.least_squares(degree).r2_validation` for 6, 7 and 8. What can 9 do that 8
# cannot?
#
# <details><summary>Answer</summary>
#
# 0.843, 0.827 and 0.878: all of them are not bad at all. With nine weights for ten points, degree
# 8 has to leave a little of the noise. Degree 9 can go through every point, and pays for it with
# wild swings in between. (With nine crosses, luck has a part in it too.)
#
# </details>

# %% [markdown]
# ## Stop early
#
# A flexible network need not be fitted to the end. While it learns, watch the error on the
# validation data. It falls, because what is learnt first is what the points have in common. Then
# it rises: what is left to learn is noise. The training error keeps falling all the time.

# %%
fit_pictures["early_stopping"]

# %%
polynomial = fitting.Polynomial(9)
history = sg.fit(
    polynomial, fitting.X, fitting.Y, losses.squared_error,
    optim.SGD(polynomial.parameters(), lr=0.05), epochs=3000,
    validation=(fitting.X_VALIDATION, fitting.Y_VALIDATION),
    early_stopping=sg.EarlyStopping(patience=50),
)  # fmt: skip
len(history.losses), history.best_epoch, history.stopped

# %% [markdown]
# `fit` counts epochs from 0, so epoch 40 made the 41st update, and the weights from after it were
# put back. It went on to the 91st, in case the error should fall again.
#
# "Stop when the error no longer decreases" is `patience=1`. Here it would have stopped at 42 with
# the same weights. But it takes a single wobble of the error for the end.
#
# **Try it:** `[fitting.descend(3000, patience, lr=0.15).best for patience in (1, 2, 3)]`.
#
# <details><summary>Answer</summary>
#
# 7, 9, 9. At this rate the error wobbles, and a patience of 1 stops at the first wobble, before
# the lowest place at update 9.
#
# </details>

# %% [markdown]
# ## Or hold the weights back
#
# The other way is regularisation. Add $\frac{\lambda}{2} \sum w^2$ to the error, and large weights
# have to be worth their price. For the optimiser this is `weight_decay=λ`.

# %%
fit_pictures["weight_decay"]

# %%
for decay, one in fit.decayed.items():
    size = sum(w * w for w in one.w) ** 0.5
    print(f"λ = {decay:<6g} length of w {size:6.2f}   R² on the crosses {one.r2_validation:6.3f}")

# %% [markdown]
# With $\lambda = 0.03$ the polynomial of degree 9 does on the crosses about what the cubic does,
# although nobody said "cubic". With $\lambda = 10$ it is too flat. So again one number had to be
# chosen: instead of the degree, or of the moment to stop. The validation data chose it, and that
# is what they are for.
#
# **Try it:** both at once: `course = fitting.descend(decay=0.03)`. How far does
# `course.validation` rise after update `course.best`, and how far did it without decay?
#
# <details><summary>Answer</summary>
#
# From 0.544 to 0.557; without decay from 0.537 to 0.641. With weight decay it matters little when
# you stop.
#
# </details>

# %% [markdown]
# ## Further reading
#
# The list is ours. It names the sources of what this notebook uses, and books that go on from
# here.
#
# - J. V. Stone, *Artificial Intelligence Engines: A Tutorial Introduction to the Mathematics of
#   Deep Learning*, Sebtel Press, 2019. The book by the lecture's author.
# - D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by back-propagating
#   errors", *Nature* 323, 533-536, 1986. The paper that made back-propagation known; see notebook
#   03.
# - C. M. Bishop, *Pattern Recognition and Machine Learning*, Springer, 2006. Polynomial fits,
#   overfitting and weight decay in chapter 1, networks in chapter 5.
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press, 2016.
# - M. A. Nielsen, *Neural Networks and Deep Learning*, Determination Press, 2015. An introduction
#   for the screen.
# - D. J. C. MacKay, *Information Theory, Inference, and Learning Algorithms*, Cambridge University
#   Press, 2003. Part V is about networks and their capacity as memories.
# - T. Kohonen, "Correlation matrix memories", *IEEE Transactions on Computers* C-21, 353-359,
#   1972, and J. J. Hopfield, "Neural networks and physical systems with emergent collective
#   computational abilities", *Proceedings of the National Academy of Sciences* 79, 2554-2558,
#   1982. Content-addressable memories.
# - M. Minsky and S. Papert, *Perceptrons*, MIT Press, 1969. What a network without hidden layer
#   cannot learn.
# - A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd edition, SIAM, 2008. Automatic
#   differentiation, of which back-propagation is the reverse mode.
#
# The slides are under the licence CC BY-NC-ND, which does not allow changed copies. So all words
# and pictures here are our own.
