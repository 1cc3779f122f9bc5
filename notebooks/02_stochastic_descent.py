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
# are to be learnt, the error is squared, and each step looks at one sample only, picked at random.
# That sounds careless. It is cheap, and here it wins.
#
# Conventions: a weight's first index is where it goes **to**, the second where it comes **from**:
# $w_{mj}$ to hidden unit $m$ from input $j$, $v_{km}$ to output $k$ from hidden unit $m$. Errors
# $\delta$ and $\gamma$ are derivatives by the sum *inside* $\sigma$. There are no biases. The
# lecture gives no numbers; those here are ours.

# %%
import random
from itertools import islice

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
# In Python that is three lines, and nothing else has to be written:

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
# Every number of it, with its derivative. The sums of the hidden units, $z_1$ and $z_2$, hold
# $\gamma_1$ and $\gamma_2$ as their `grad`; those of the outputs, $u_1$ and $u_2$, hold the two
# $\delta$.

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
# $\sigma^2$, and no slope. At 0.7:

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
# ## What came in, times an error
#
# At an output the chain rule gives
#
# $$\frac{\partial f}{\partial v_{km}} = \underbrace{(\hat d_k - d_k)\,\hat d_k (1 - \hat d_k)}
#   _{\delta_k}\; h_m$$
#
# (The slides also write $v_{k,e}$, $v_{k,t}$, $v_{k,2}$ and $h_g$ in it: all are $v_{km}$ and
# $h_m$.) At a hidden unit it has the same form; only, the error has come back through the weights:
#
# $$\frac{\partial f}{\partial w_{mj}} = \underbrace{h_m (1 - h_m) \sum_k \delta_k v_{km}}
#   _{\gamma_m}\; x_j$$
#
# The engine keeps $\delta$ and $\gamma$ where they belong: in the `grad` of the sums. Behind the
# sigmoid stands the sum, as its parent.

# %%
delta = [a.parents[0].grad for a in d_hat]
gamma = [a.parents[0].grad for a in h]
for m in range(2):
    for j in range(3):
        print(f"w{m + 1}{j + 1}: γ x = {gamma[m] * x[j]:+.9f}   grad = {w[m][j].grad:+.9f}")

# %% [markdown]
# Link by link and way by way: what comes back to $h_1$ is gathered from *both* outputs. (Each way
# counts twice, as a square is a difference times itself. And `explain` calls the derivative by any
# value a δ; the lecture's are those by $u$ and $z$.)

# %%
sg.explain(f, w[0][0])

# %% [markdown]
# So the gradients of a layer are a table of products: errors down, inputs across. It holds for
# every layer of every such network, whatever the activation, however deep. Here it is in a network
# with five layers of `tanh`; each line checks one of them:

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
# ## Sums and products only
#
# "Backpropagation involves simple computations." How many? Going back, each edge of the network
# costs one product and one sum, for its weight, and one of each for what came in. So the work grows
# with the number of edges. The number of *ways* through the network grows as well, but very
# differently:

# %%
for depth in (1, 2, 4, 8):
    model = nn.MLP(10, [10] * depth, "sigmoid", "sigmoid", bias=False)
    loss = losses.squared_error(model([0.1] * 10), [0.5] * 10)
    nodes = [node for node in sg.topological_order(loss) if node.op == "dot"]
    edges = sum(len(node.partials) for node in nodes) // 2
    print(f"{depth} layers: {edges:4} edges, {10 ** (depth + 1):13,} ways from input to output")

# %% [markdown]
# ## One sample at a time
#
# Pick a sample $i_t$, compute $h$ and $\hat d$ for it, take a step against *its* gradient with the
# step size $\alpha_t$; again and again. To follow it on paper, the first four picks are prescribed:
# samples 2, 0, 1, 2.

# %%
for t, step in enumerate(result.exact, 1):
    print(f"t = {t}  sample {step.pick}  f = {step.found.f:.6f}  w11 = {step.w_next[0][0]:.6f}")

# %% [markdown]
# The step size may change with $t$: give the optimiser a function. (The slides count $t$ from 1 on
# one page and from 0 on another; this library counts from 0, so $1/t$ becomes `1 / (t + 1)`. They
# also print $\alpha^t$, which is no power, but $\alpha_t$.)

# %%
[round(step.lr, 3) for step in stochastic_descent.prescribed(lambda t: 1 / (t + 1))]

# %% [markdown]
# ## The slide that updates too soon
#
# The lecture's page with the algorithm says: first update $v$; then compute the hidden errors. Read
# literally, $\gamma$ is then computed from the *new* $v$, while the derivation uses
# the old. Does it matter?

# %%
for a, b in zip(result.exact, result.literal, strict=True):
    off = [100 * (q / p - 1) for p, q in zip(a.found.gamma, b.found.gamma, strict=True)]
    print(f"sample {a.pick}: γ is off by {off[0]:+.1f} % and {off[1]:+.1f} %")

# %% [markdown]
# One or two per cent at first, up to 7 within four picks. It still goes downhill, more or less, as
# the step is small; but what it follows is the gradient of nothing. Who compares it with numerical
# derivatives finds an error that does not go away. `backward` cannot make this mistake: all
# derivatives are taken at the same weights, and `optimizer.step()` comes after.
#
# **Try it:** `stochastic_descent.slide(lr=5.0)` against `prescribed(5.0)`. By how much is
# $\gamma$ off now? And with `lr=0.005`?
#
# ## Picks at random
#
# `picks` draws indices without end, with replacement; `minibatches` deals all samples out before
# any comes again. Both take a generator with a seed, so that tomorrow's run is today's.

# %%
rng = random.Random(1)
print("picks:      ", [*islice(picks(3, rng), 12)])
print("minibatches:", minibatches(8, 3, rng), minibatches(8, 3, rng))

# %% [markdown]
# With these, the whole loop:

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
# samples is shorter than 0.0001. That is cheap to ask for three samples; for a million one asks
# seldom, or asks a validation set.

# %%
pictures["errors"]

# %%
for name, course in result.courses.items():
    print(f"{name:20} {len(course.seen)} updates, {course.used[-1]} samples used")

# %% [markdown]
# On the left is what each update sees: single picks jump about, though they are on a good way. On
# the right is the error of all three. Noisy steps get as far as clean ones, update for update; and
# each costs a third. With a million samples it would be a millionth.
#
# Two honest remarks. These three samples *can* all be fitted at once, so at the end every gradient
# is 0, and the noise dies out by itself. Where samples contradict one another it does not, and
# $\alpha_t$ must shrink. But not too fast: with $\alpha_t = 1/t$ theory promises to get there, and
# practice waits.

# %%
slow = stochastic_descent.learn(1, lr=lambda t: 1 / (t + 1), most=3000)
f"after {slow.used[-1]} picks f is {slow.whole[-1]:.4f}, from {slow.whole[0]:.4f}"

# %% [markdown]
# **Try it:** `stochastic_descent.learn(1, lr=5.0)`, then 20, then 100. The last one "converges"
# soonest. Look at its `whole[-1]` before you trust it: where has it come to rest?
#
# ## Tricks: mini-batches
#
# Between one sample and all lies the mini-batch: the mean gradient of some. It is less noisy, and
# computers like to do several things at once. For samples 0 and 2:

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
# Rain again: rainy days, and what a radar says, for three days. A linear unit with a bias is to
# give the chance of rain. The columns lie around 1.3 and 6.3:

# %%
rows, scaling = standardize(normalisation.X)
print("mean     ", [round(m, 4) for m in scaling.mean])
print("deviation", [round(s, 4) for s in scaling.std])
for raw, row in zip(normalisation.X, rows, strict=True):
    print(raw, "->", [round(x, 3) for x in row])

# %%
valleys = normalisation.run()
views = normalisation.figures(valleys)
views["errors"]

# %% [markdown]
# 116,067 updates against 20, for the same data and the same line. Why? For a squared error and a
# linear unit the surface is a bowl, and its curvatures are the eigenvalues of $X^T X$. The step
# must be small enough for the largest; the smallest then says how long it takes.

# %%
for name, course in valleys.courses.items():
    low, *_, high = course.eigenvalues
    print(f"{name:13} from {low:.4f} to {high:.2f}: a ratio of {high / low:,.0f}")

# %%
views["contours"]

# %% [markdown]
# Left, with raw inputs, a narrow valley: Kdp is always near 6, almost a second bias, so more of the
# one can be made up for by less of the other. Every dot has had twice as many updates as the one
# before. Right, standardised: a bowl. The error shown is the lowest for any weight of the days.
#
# New days are scaled by the *old* mean and deviation, `scaling(new_rows)`. Their own would make
# another quantity of them.
#
# **Try it:** only subtract the mean, and do not divide; or only divide. How many updates does
# `normalisation.descend` take? Which of the two does the work here?
#
# ## What remains
#
# The error surface of a network is not convex: descent ends in *some* valley, and noise helps out
# of a shallow one only by luck. The notebook on how backprop works, and how it fails, shows such
# valleys (`python -m scalargrad run local_minima`). Regularisation can be added to any of this: it
# is one more term of the error, or `weight_decay=` of the optimiser. Both are the same step:

# %%
p, q = Value(2.0), Value(2.0)
((p - 3.0) ** 2 + 0.05 * losses.l2([p])).backward()
optim.SGD([p], lr=0.1).step()
((q - 3.0) ** 2).backward()
optim.SGD([q], lr=0.1, weight_decay=0.1).step()
p.data, q.data

# %% [markdown]
# **Try it:** take these steps a thousand times. Where do $p$ and $q$ come to rest? Why not at 3?
