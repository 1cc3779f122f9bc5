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
# # Stochastic gradient descent
#
# After Van Veen's lecture *The backpropagation algorithm for training neural networks*. The weights
# of a network should be learnt. The error is a squared error, and each step looks at one sample
# only, picked at random. That sounds careless, but it is cheap, and here it wins.
#
# Conventions: a weight's first index is where it goes **to**, the second where it comes **from**:
# $w_{mj}$ to hidden unit $m$ from input $j$, $v_{km}$ to output $k$ from hidden unit $m$. Errors
# $\delta$ and $\gamma$ are derivatives by the sum *inside* $\sigma$. There are no biases. The
# lecture gives no numbers; those here are ours.

# %%
import random
from itertools import islice

import numpy as np

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.data import minibatches, picks, standardize
from scalargrad.examples.van_veen import normalisation, stochastic_descent

# %% [markdown]
# ## The network and its error
#
# A sample is a list of inputs $x$ and a list of targets $d$: there may be several outputs.
#
# $$h_m = \sigma\Big(\sum_j w_{mj} x_j\Big) \qquad
#   \hat d_k = \sigma\Big(\sum_m v_{km} h_m\Big) \qquad
#   f = \tfrac12 \sum_k (\hat d_k - d_k)^2$$
#
# Each sum runs over what comes in. (One slide lets a sum over inputs run to $N$, which is the
# number of samples. It is a slip.)

# %%
result = stochastic_descent.run()
pictures = stochastic_descent.figures(result)
pictures["network"]

# %% [markdown]
# In Python the forward pass takes three lines, and nothing else has to be written:

# %%
x, d = [-0.7, 0.9, 0.4], [0.5, 0.6]
w = [[Value(0.3, "w11"), Value(-0.2, "w12"), Value(0.5, "w13")],
     [Value(-0.4, "w21"), Value(0.1, "w22"), Value(0.25, "w23")]]  # fmt: skip
v = [[Value(0.7, "v11"), Value(-0.6, "v12")], [Value(-0.1, "v21"), Value(0.45, "v22")]]

h = [sg.sigmoid(sg.dot(row, x)) for row in w]
d_hat = [sg.sigmoid(sg.dot(row, h)) for row in v]
f = losses.squared_error(d_hat, d)
f.backward()
f.data, [[round(p.grad, 6) for p in row] for row in w]

# %% [markdown]
# The picture shows every number with its derivative. The sums of the hidden units, $z_1$ and $z_2$,
# hold $\gamma_1$ and $\gamma_2$ as their `grad`; those of the outputs, $u_1$ and $u_2$, hold the
# two $\delta$.

# %%
f.label = "f"
for name, inside, layer in (("h", "z", h), ("out", "u", d_hat)):
    for n, a in enumerate(layer, 1):
        a.label, a.parents[0].label = f"{name}{n}", f"{inside}{n}"
sg.draw(f)

# %% [markdown]
# ## The slope of the sigmoid
#
# The lecture derives $\sigma'(z) = \sigma(z)\,(1 - \sigma(z))$, and the result is right. But its
# first fraction is printed as $1/(1 + e^{-z})^2$: the $e^{-z}$ above the line is missing, so it is
# $\sigma^2$ and not the slope. At 0.7:

# %%
for name, number in (
    ("printed     ", stochastic_descent.printed_slope(0.7)),
    ("by formula  ", sg.sigmoid(0.7) * (1 - sg.sigmoid(0.7))),
    ("the engine's", sg.grad(sg.sigmoid)(0.7)),
    ("differences ", sg.numerical_grad(sg.sigmoid, 0.7)),
):
    print(name, round(number, 6))

# %% [markdown]
# **Try it:** for which $z$ are the printed fraction and the slope equal? (Where is $\sigma$ as
# large as $1 - \sigma$?)
#
# <details><summary>Answer</summary>
#
# At $z = 0$ alone. The printed fraction is $\sigma^2$ and the slope is $\sigma(1 - \sigma)$. They
# are equal where $\sigma = 1 - \sigma$, so $\sigma = \frac12$ and $z = 0$: both are $\frac14$
# there. One test at 0 would not find the misprint.
#
# </details>
#
# ## What came in, times an error
#
# At an output the chain rule gives
#
# $$\frac{\partial f}{\partial v_{km}} = \underbrace{(\hat d_k - d_k)\,\hat d_k (1 - \hat d_k)}
#   _{\delta_k}\; h_m$$
#
# (The slides also write $v_{k,e}$, $v_{k,t}$, $v_{k,2}$ and $h_g$ in it: all are $v_{km}$ and
# $h_m$.) At a hidden unit it has the same form, but the error has come back through the weights:
#
# $$\frac{\partial f}{\partial w_{mj}} = \underbrace{h_m (1 - h_m) \sum_k \delta_k v_{km}}
#   _{\gamma_m}\; x_j$$
#
# The engine keeps $\delta$ and $\gamma$ in the `grad` of the sums. The sum inside a sigmoid is the
# parent of its output.

# %% [markdown]
# **Predict, then run:** the sample is $x = (-0.7, 0.9, 0.4)$. Which of the weights $w_{11}$,
# $w_{12}$, $w_{13}$ of the first hidden unit has the largest gradient, and which of them differ in
# sign?
#
# <details><summary>Answer</summary>
#
# $w_{12}$. All three gradients are the same $\gamma_1$ times $x_j$, and $x_2 = 0.9$ is the largest
# input. $\gamma_1$ is negative, so those of $w_{12}$ and $w_{13}$ are negative and that of
# $w_{11}$, whose input is negative, is positive.
#
# </details>

# %%
delta = [a.parents[0].grad for a in d_hat]
gamma = [a.parents[0].grad for a in h]
for m in range(2):
    for j in range(3):
        print(f"w{m + 1}{j + 1}: γ x = {gamma[m] * x[j]:+.9f}   grad = {w[m][j].grad:+.9f}")

# %% [markdown]
# Path by path: what comes back to $h_1$ is collected from *both* outputs. (Each path counts twice,
# since a square is a difference times itself. And `explain` calls the derivative with respect to
# any value a δ; the lecture's are those with respect to $u$ and $z$.)

# %%
sg.explain(f, w[0][0])

# %% [markdown]
# So the gradients of a layer are a table of products, with the errors down and the inputs across.
# This holds for every layer of every such network, with any activation and any depth. Here is a
# network with five layers of `tanh`; each line checks one of them:

# %%
random.seed(2)
deep = nn.MLP(3, [5, 4, 4, 3, 2], "tanh")
inputs, layers = [Value(xi) for xi in x], []
for layer in deep.layers:
    outputs = layer(inputs)
    layers.append((layer, inputs, outputs))
    inputs = outputs
losses.squared_error(outputs, d).backward()

for layer, inputs, outputs in layers:
    gaps = []
    for neuron, a in zip(layer.neurons, outputs, strict=True):
        error = a.grad if neuron.activation is None else a.parents[0].grad
        gaps += [abs(p.grad - error * xi.data) for p, xi in zip(neuron.w, inputs, strict=True)]
    print(f"{len(inputs)} -> {len(outputs)}: largest difference {max(gaps):.0e}")

# %% [markdown]
# **Try it:** replace `"tanh"` by `"relu"`, and print each `error`. Some are now exactly 0. Which
# units are these?
#
# <details><summary>Answer</summary>
#
# The units whose sum is negative: the rectifier gives 0 there, and its slope is 0 too. With this
# seed these are three of the five units of the first layer, three of four in the second and one of
# four in the third. All their weights have gradient 0 for this sample.
#
# </details>
#
# ## Sums and products only
#
# "Backpropagation involves simple computations." How many? In the backward pass each edge of the
# network costs one product and one sum for its weight, and one of each for its input. So the work
# grows with the number of edges. The number of *paths* through the network grows much faster:

# %% [markdown]
# **Predict, then run:** layers of 10 units, each joined with every unit of the next. How many edges
# does each further layer add? And what happens to the number of paths from input to output?
#
# <details><summary>Answer</summary>
#
# Each layer adds 10 · 10 = 100 edges, always the same number; but it multiplies the paths by 10.
# Edges only add, paths multiply.
#
# </details>


# %%
for depth in (1, 2, 4, 8):
    model = nn.MLP(10, [10] * depth, "sigmoid", "sigmoid", bias=False)
    loss = losses.squared_error(model([0.1] * 10), [0.5] * 10)
    nodes = [node for node in sg.topological_order(loss) if node.op == "dot"]
    edges = sum(len(node.partials) for node in nodes) // 2
    print(f"{depth} layers: {edges:4} edges, {10 ** (depth + 1):13,} paths from input to output")

# %% [markdown]
# ## One sample at a time
#
# Pick a sample $i_t$, compute $h$ and $\hat d$ for it, take a step against *its* gradient with the
# step size $\alpha_t$, and repeat. So that you can follow it on paper, the first four picks are
# prescribed: samples 2, 0, 1, 2.

# %%
for t, step in enumerate(result.exact, 1):
    print(f"t = {t}  sample {step.pick}  f = {step.found.f:.6f}  w11 = {step.w_next[0][0]:.6f}")

# %% [markdown]
# The step size may change with $t$: give the optimiser a function. (The slides count $t$ from 1 on
# one page and from 0 on another; this library counts from 0, so $1/t$ becomes `1 / (t + 1)`. They
# also print $\alpha^t$, which is not a power but $\alpha_t$.)

# %%
[round(step.lr, 3) for step in stochastic_descent.prescribed(lambda t: 1 / (t + 1))]

# %% [markdown]
# ## The slide that updates too soon
#
# The lecture's page with the algorithm says: first update $v$; then compute the hidden errors. Read
# literally, $\gamma$ is then computed from the *new* $v$, while the derivation uses
# the old. Does it matter? Take both at the same weights, those before each of the four picks:

# %%
W, V = stochastic_descent.W, stochastic_descent.V
for step in result.exact:
    sample = stochastic_descent.X[step.pick], stochastic_descent.D[step.pick]
    right = stochastic_descent.formulas(*sample, W, V)
    new_v = [
        [number - 0.5 * slope for number, slope in zip(row, slopes, strict=True)]
        for row, slopes in zip(V, right.grad_v, strict=True)
    ]
    early = stochastic_descent.formulas(*sample, W, V, back_through=new_v)
    off = [100 * (q / p - 1) for p, q in zip(right.gamma, early.gamma, strict=True)]
    print(f"sample {step.pick}: γ is off by {off[0]:+.2f} % and {off[1]:+.2f} %")
    W, V = step.w_next, step.v_next

# %% [markdown]
# One or two per cent at first, up to 7 within four picks. It still leads downhill, more or less,
# since the step is small; but it is the gradient of no function. If you compare it with numerical
# derivatives, you find an error that does not go away. `backward` cannot make this mistake: it
# takes all derivatives at the same weights, and `optimizer.step()` comes after it.
#
# If you run the slide's algorithm by itself, there is a second effect: its weights drift away from
# the exact ones, so that the two are compared at different weights. The drift is small:

# %%
for t, (a, b) in enumerate(zip(result.exact, result.literal, strict=True), 1):
    pairs = zip(a.w_next, b.w_next, strict=True)
    apart = max(abs(p - q) for rows in pairs for p, q in zip(*rows, strict=True))
    print(f"after update {t} the weights w differ by up to {apart:.6f}")

# %% [markdown]
# **Try it:** `stochastic_descent.slide(lr=5.0)` against `prescribed(5.0)`. By how much is
# $\gamma$ off now? And with `lr=0.005`?
#
# <details><summary>Answer</summary>
#
# With 5 it is off by 22 and 13 % at the first pick, and by up to 183 % within four; a part of that
# is drift. With 0.005 it is off by 0.02 and 0.01 %: the error of the slide is proportional to the
# step size, because $v$ moves by $\alpha$ times its gradient.
#
# </details>
#
# ## Picks at random
#
# `picks` draws indices without end, with replacement; `minibatches` uses every sample once before
# any comes again. Both take a random generator, so that a run with the same seed can be repeated.

# %%
rng = random.Random(1)
print("picks:      ", [*islice(picks(3, rng), 12)])
print("minibatches:", minibatches(8, 3, rng), minibatches(8, 3, rng))

# %% [markdown]
# With these, the whole loop is:

# %%
X, D = stochastic_descent.X, stochastic_descent.D
random.seed(3)
model = nn.MLP(3, [2, 2], "sigmoid", "sigmoid", bias=False)
optimizer = optim.SGD(model.parameters(), lr=2.0)
for i in islice(picks(len(X)), 1000):
    optimizer.zero_grad()
    losses.squared_error(model(X[i]), D[i]).backward()
    optimizer.step()
[[round(y.data, 2) for y in model(x)] for x in X], D

# %% [markdown]
# The slide ends with "converged?", and does not say how to know. The error of one sample tells
# little: the next pick looks quite different. Below, "converged" means that the gradient over *all*
# samples is shorter than 0.0001. That is cheap for three samples; with a million you check seldom,
# or you check the error on a validation set.

# %% [markdown]
# **Predict, then run:** descent by single picks, by mini-batches of two, and by all three samples,
# with the same step size. Which needs the fewest updates? Which needs the fewest samples?
#
# <details><summary>Answer</summary>
#
# All three need about 700 updates. So single picks need a third of the samples: 690 against 2142.
#
# </details>

# %%
pictures["errors"]

# %%
for name, course in result.courses.items():
    print(f"{name:20} {len(course.seen)} updates, {course.used[-1]} samples used")

# %% [markdown]
# The left picture shows what each update sees: single picks scatter, although the weights improve
# steadily. The right one shows the error of all three samples. Noisy steps get as far as exact
# ones, update for update, and each costs a third. With a million samples it would be a millionth.
#
# Two remarks. These three samples *can* all be fitted at once, so at the end every gradient is 0,
# and the noise disappears by itself. If samples contradict one another it does not, and $\alpha_t$
# must decrease. But not too fast: with $\alpha_t = 1/t$ theory promises convergence, and in
# practice it takes too long.

# %%
slow = stochastic_descent.learn(1, lr=lambda t: 1 / (t + 1), most=3000)
f"after {slow.used[-1]} picks f is {slow.whole[-1]:.4f}, from {slow.whole[0]:.4f}"

# %% [markdown]
# **Try it:** `stochastic_descent.learn(1, lr=5.0)`, then 20, then 100. The last one "converges"
# soonest. Look at its `whole[-1]` before you trust it: where has it come to rest?
#
# <details><summary>Answer</summary>
#
# 5 is faster than 2: 286 picks. 20 is too large and needs 13,411, since each pick undoes much of
# what the others have learnt. 100 stops after 120 picks, but with $f = 0.09$, more than at the
# start: its sums are so large that all sigmoids are flat. A small gradient shows a stationary point
# or a plateau, and not a minimum.
#
# </details>
#
# ## Tricks: mini-batches
#
# Between one sample and all of them lies the mini-batch: the mean gradient of some samples. It is
# less noisy, and computers are fast at doing the same for several samples. For samples 0 and 2:

# %%
batch = stochastic_descent.mean_gradient([0, 2])
alone = [stochastic_descent.mean_gradient([i]) for i in (0, 2)]
print("mini-batch", [round(g, 9) for g in batch.grad_w[0]])
pairs = zip(alone[0].grad_w[0], alone[1].grad_w[0], strict=True)
print("mean of 2 ", [round((a + b) / 2, 9) for a, b in pairs])

# %% [markdown]
# `fit` does all this: give it a `batch_size`. (`losses.squared_error` adds samples up by default;
# "half_mean" here keeps the step size independent of the size of the batch.)

# %%
random.seed(3)
model = nn.MLP(3, [2, 2], "sigmoid", "sigmoid", bias=False)
optimizer = optim.SGD(model.parameters(), lr=4.0)
sg.fit(
    model,
    X,
    D,
    lambda y, t: losses.squared_error(y, t, "half_mean"),
    optimizer,
    epochs=600,
    batch_size=2,
)

# %% [markdown]
# ## Tricks: normalise
#
# Three days of rain: the number of rainy days before, and what a radar measures (Kdp). A linear
# unit with a bias should give the probability of rain. The means of the columns are 1.3 and 6.3:

# %%
rows, scaling = standardize(normalisation.X)
print("mean     ", [round(m, 4) for m in scaling.mean])
print("deviation", [round(s, 4) for s in scaling.std])
for raw, row in zip(normalisation.X, rows, strict=True):
    print(raw, "->", [round(x, 3) for x in row])

# %% [markdown]
# For a squared error and a linear unit the surface is a bowl, and its curvatures are the
# eigenvalues of $X^T X$, with a column of ones for the bias. The learning rate must be small enough
# for the largest curvature; the smallest one then determines how long it takes.

# %%
ratios = []
for table in (normalisation.X, rows):
    extended = np.column_stack([table, np.ones(3)])
    low, *_, high = np.linalg.eigvalsh(extended.T @ extended)
    ratios.append(high / low)
    print(f"curvatures from {low:.4f} to {high:.2f}: a ratio of {high / low:,.0f}")

# %% [markdown]
# **Predict, then run:** with $\varepsilon = 1/\lambda_{max}$, the part of the error in the flattest
# direction shrinks by $1 - \lambda_{min}/\lambda_{max}$ in each update. To shrink it by a factor of
# a million takes about 14 times the ratio. How many updates do you expect in each case?
#
# <details><summary>Answer</summary>
#
# Raw: at most 14 · 12,221, about 170,000. It needs 116,067, as it begins with a small part in that
# direction. Standardised: at most 14 · 27 = 370. It needs only 20, since here the start has almost
# no part in the flattest direction. The ratio gives the order of magnitude.
#
# </details>

# %%
valleys = normalisation.run()
views = normalisation.figures(valleys)
views["errors"]

# %% [markdown]
# 116,067 updates against 20, for the same data and the same weights at the end.

# %%
views["contours"]

# %% [markdown]
# Left, with raw inputs, a narrow valley: Kdp is always near 6, almost a second bias, so a larger
# weight of the one can be compensated by a smaller weight of the other. Each dot is twice as many
# updates after the start as the one before. Right, standardised: a bowl. The error shown is the
# lowest for any weight of the days.
#
# New days are scaled with the *old* mean and deviation, `scaling(new_rows)`. With their own they
# would become another quantity.
#
# **Try it:** only subtract the mean, and do not divide; or only divide. How many updates does
# `normalisation.descend` take? Which of the two does the work here?
#
# <details><summary>Answer</summary>
#
# With the means subtracted it takes 36 updates; with only the division, 76,659. So the mean does
# the work here: raw columns far from 0 all look like the bias. The division would matter more if
# the columns had very different deviations; here both have 1.2472.
#
# </details>
#
# ## What remains
#
# The error surface of a network is not convex: descent ends in *some* local minimum, and noise
# helps it out of a shallow one only by luck. The notebook on how backprop works, and how it fails,
# shows such minima (`python -m scalargrad run local_minima`). You can add regularisation to any of
# this: as one more term of the error, or as `weight_decay=` of the optimiser. Both make the same
# step:

# %%
p, q = Value(2.0), Value(2.0)
((p - 3.0) ** 2 + 0.05 * losses.l2([p])).backward()
optim.SGD([p], lr=0.1).step()
((q - 3.0) ** 2).backward()
optim.SGD([q], lr=0.1, weight_decay=0.1).step()
p.data, q.data

# %% [markdown]
# **Try it:** take these steps a thousand times. Where do $p$ and $q$ come to rest? Why not at 3?
#
# <details><summary>Answer</summary>
#
# Both end at 20/7 = 2.857. There the slope of the error, $2(p - 3)$, and that of the penalty,
# $0.1\,p$, cancel: $2.1\,p = 6$. Regularisation trades a little error for smaller weights.
#
# </details>
