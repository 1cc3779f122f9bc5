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
# # Any forward program
#
# The third of four notebooks on *Lecture 2, Error backpropagation*; it follows [Seven
# nodes](05b_seven_nodes.ipynb). You write the forward program; the engine does the rest. What
# that makes possible, what the formulas tell about recurrent networks, and what an activation
# must have.

# %%
import math

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples.lecture2 import residual_and_attention as parts

# %% [markdown]
# ## Any forward program
#
# Where have we written a backward pass so far? Only where we wanted to check it. The forward
# program is enough, and it need not be made of layers. The lecture names ResNet, Yolo and
# transformers, and the libraries PyTorch, TensorFlow and JAX. In each of them you write forward
# only; for the function $x - 0.6 \tanh(0.9 x)$ and its slope at 0.5:

# %%
for name, program in parts.LIBRARIES.items():
    print(f"# {name}\n{program}")

# %% [markdown]
# That function is the smallest **residual block**, $x + F(x)$, as in *ResNet*. Its slope is $1 +
# F'(x)$, and the 1 is a way around $F$:

# %%
result = parts.run()
pictures = parts.figures(result)
pictures["block"]

# %%
x = 0.5
by_hand = 1 - 0.6 * (1 - math.tanh(0.9 * x) ** 2) * 0.9
by_engine = sg.grad(lambda x: x - 0.6 * sg.tanh(0.9 * x))(x)
print(f"by hand {by_hand:.12f}, by the engine {by_engine:.12f}")

# %% [markdown]
# **Predict, then run:** stack thirty layers with such a way, and thirty without. How much of the
# gradient arrives at the first of them?

# %%
pictures["by_layer"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Without the way around, $10^{-10}$ of it: a product of thirty slopes below 1. With it, the
# product is one of $(1 + F')$, and one of its terms is 1: the gradient arrives, and has even
# grown.
#
# </details>
#
# **Attention**, the heart of a *transformer*, compares a query $q$ with keys $k_i$, and takes the
# mean of the values $v_i$, weighted by how well they fit:
#
# $$p = \mathrm{softmax}(q \cdot k_i / \sqrt{d}) \qquad y = \sum_i p_i v_i$$
#
# Written down, this is all of it:

# %%
q = [Value(x, f"q{i}") for i, x in enumerate(parts.QUERY, 1)]
p = sg.softmax([sg.dot(q, k) / 2**0.5 for k in parts.KEYS])
y = [sg.dot(p, column) for column in zip(*parts.VALUES, strict=True)]
E = losses.squared_error(y, parts.TARGET)
for name, values in (("p", p), ("y", y), ("E", [E])):
    for i, value in enumerate(values, 1):
        value.label = f"{name}{i}" if len(values) > 1 else name
E.backward()
sg.draw(E)

# %%
pictures["attention_weights"]

# %% [markdown]
# Descent goes against the shaded bars: it will look more at the first value, and less at the
# third. By hand it takes four formulas, with $\delta = \partial E / \partial y$:

# %%
delta = [yi.data - target for yi, target in zip(y, parts.TARGET, strict=True)]
of_p = [sum(d * vi for d, vi in zip(delta, v, strict=True)) for v in parts.VALUES]
mean = sum(pi.data * d for pi, d in zip(p, of_p, strict=True))
of_s = [pi.data * (d - mean) for pi, d in zip(p, of_p, strict=True)]
of_q = [sum(s * k[i] for s, k in zip(of_s, parts.KEYS, strict=True)) / 2**0.5 for i in (0, 1)]
print("by hand:      ", [round(d, 9) for d in of_q])
print("by the engine:", [round(value.grad, 9) for value in q])

# %% [markdown]
# With keys and values that are parameters, too, it is a larger graph, but no longer program:

# %%
pictures["attention"]

# %% [markdown]
# **Try it:** `parts.stack` takes the weights evenly from $-$`scale` to `scale`. Does the gradient
# still vanish without the way around at `scale=1.0`? And at `scale=3.0`?
#
# <details><summary>Answer</summary>
#
# At 1.0 a third of it arrives. At 3.0 only $2 \cdot 10^{-6}$: large weights drive tanh to where
# it is flat. With the way around it then explodes.
#
# </details>

# %%
for scale in (0.5, 1.0, 3.0):
    plain, residual = parts.stack(False, scale=scale), parts.stack(True, scale=scale)
    print(f"scale {scale}: {plain.by_layer[0]:.1e} without, {residual.by_layer[0]:.1e} with")

# %% [markdown]
# **Yolo** ("you only look once") finds objects in one forward pass: filters slide over the
# picture, and each cell of a coarse grid answers with a probability and a box. Here is one in
# small, on pictures of 9×9 numbers. First, what it finds with random weights:

# %%
from scalargrad.examples.lecture2 import small_detector

seen = small_detector.run()
pictures = small_detector.figures(seen)
pictures["before"]

# %%
pictures["error"]

# %%
pictures["after"]

# %% [markdown]
# A filter is a set of shared parameters: each of its nine weights is used at 49 places, and its
# derivative is the sum over them. Here are the 49 terms of one weight:

# %%
terms = seen.by_place
print(f"from {min(terms):+.4f} to {max(terms):+.4f}, sum {sum(terms):+.9f}")
print(f"by the engine {seen.by_engine:+.9f}")
overlaps = [
    small_detector.overlap(scene.box, box)
    for scene, box in zip(seen.fresh, seen.after, strict=True)
]
print(f"mean overlap in {len(overlaps)} fresh pictures: {sum(overlaps) / len(overlaps):.1f}")

# %% [markdown]
# The example `small_gpt` is a whole transformer with 4,080 parameters; it learns to make up
# names.
#
# ## A hundred factors
#
# Formulas are not only for computing. They tell what to expect. Take a recurrent unit, which
# reads one input after the other, and passes on its own state:
#
# $$a_k = g(z_k), \qquad z_k = w\, a_{k-1} + x_k$$
#
# From $a_0$ to $a_T$ there is just one path, so the derivative is one product:
#
# $$\frac{\partial a_T}{\partial a_0} = \prod_{k=1}^{T} w\, g'(z_k)$$
#
# **Predict, then run:** how large are a hundred factors of 0.9? Of 1.1? And of $w\,\sigma'$ with
# $w = 1$?

# %%
print(f"0.9^100 = {0.9**100:.1e}, 1.1^100 = {1.1**100:.1e}, 0.25^100 = {0.25**100:.1e}")

# %%
from scalargrad.examples.lecture2 import vanishing_gradients as vanishing

courses = vanishing.run()
pictures = vanishing.figures(courses)
pictures["size_by_depth"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# $0.00003$, $14\,000$, and at most $6 \cdot 10^{-61}$, since $\sigma' \leq \frac{1}{4}$. The
# gradient *vanishes* or *explodes*; only with factors of size 1 it stays what it is.
#
# </details>
#
# So a unit learns nothing about what it read long ago. tanh has slopes up to 1, and one might
# hope that $w = 2$ makes up for the loss. It makes things worse:

# %%
for name in ("tanh, w = 1, noise", "tanh, w = 2, noise"):
    course = courses[name]
    print(f"{name}: mean factor {course.mean_factor:.2f}, mean |a| "
          f"{sum(map(abs, course.states)) / len(course.states):.2f}")  # fmt: skip

# %% [markdown]
# The larger weight drives the state to where tanh is flat. Is the product right? Here is the unit
# as a program, and its factors by hand:

# %%
import random

draw = random.Random(0)
xs = [draw.uniform(-1.0, 1.0) for _ in range(100)]
a0 = a = Value(0.0, "a0")
product = 1.0
for x in xs:
    a = sg.tanh(1.0 * a + x)
    product *= 1.0 * (1 - a.data**2)
a.backward()
print(f"by hand {product:.6e}, by the engine {a0.grad:.6e}")

# %% [markdown]
# Three steps of it, unrolled in time; $w$ is used at each:

# %%
pictures["unrolled"]

# %% [markdown]
# **Try it:** a linear unit with $w = -1.1$. The weight is below 1. Does its gradient vanish?
#
# <details><summary>Answer</summary>
#
# No: the size counts. $(-1.1)^{100} = 13\,781$; the sign only alternates from step to step.
#
# </details>

# %%
course = vanishing.gradients(vanishing.Unit("linear", -1.1, 0.0, 1.0))
print([round(course.back(steps)) for steps in (100, 99, 98)])

# %% [markdown]
# With a *vector* of states the weight is a matrix $W$, and so is each factor: $J_k =
# \mathrm{diag}(g'(z_k))\, W$. How much it changes the length of a vector is between its smallest
# and its largest singular value. Six networks of two units; the singular values of $W$ are in the
# titles:

# %%
from scalargrad.examples.lecture2 import recurrent_network as recurrent

vectors = recurrent.run()
pictures = recurrent.figures(vectors)
pictures["singular_values"]

# %% [markdown]
# With 1.1 and 0.8 the gradient explodes in one direction and vanishes in the other: the grey band
# opens. tanh lowers both singular values, so 1 and 1 vanishes, too.
#
# $W$ is used at every step, so its derivative is a sum over time, of outer products
# $\frac{\partial E}{\partial z_k} h_{k-1}^\top$. If the gradient vanishes, only the last of them
# count:

# %%
pictures["through_time"]

# %% [markdown]
# If it explodes, one step of descent throws $W$ out of the picture. The remedy is *clipping*: a
# gradient that is longer than a bound is scaled to that length. It keeps its direction:

# %%
W = [Value(0.0), Value(0.0)]
W[0].grad, W[1].grad = 300.0, -400.0
length = optim.clip_grad_norm(W, 1.0)
print(length, [w.grad for w in W])
pictures["clipping"]

# %% [markdown]
# **Try it:** `recurrent.descend(bound=...)` learns with another bound. What do bounds of 0.1 and of
# 1000 do?
#
# <details><summary>Answer</summary>
#
# With 0.1 every step is at most 0.0002 long, and after 320 of them the error is still 161. With
# 1000 a step may be 2 long, which throws $W$ far away; the network forgets its input, and stays at
# $E = 0.25$, which is the error of answering 0. A bound must fit the learning rate.
#
# </details>

# %%
for bound in (0.1, 1.0, 100.0, 1000.0):
    print(f"bound {bound}: E at the end {recurrent.descend(bound).errors[-1]:.2f}")

# %% [markdown]
# ## Which activation?
#
# What must $g$ have? The lecture asks three things:
#
# 1. its gradient is *defined* almost everywhere;
# 2. the gradient is *not zero* on a significant portion of the input domain, since $\delta$ is
#    multiplied by it in the backward pass;
# 3. the gradient is *informative*: it indicates an increase or a decrease of the activation.
#
# A fourth is ours: $g$ is not linear, or all layers together are one. Seven candidates, and for
# each the share of the $z$ from $-5$ to $5$ that meet the second and the third:

# %%
from scalargrad.examples.lecture2 import activations

trials = activations.run()
pictures = activations.figures(trials)
pictures["functions"]

# %%
slope = sg.grad(sg.tanh)
grid = [-5 + k / 100 for k in range(1001)]
print("tanh, criterion 2:", sum(abs(slope(z)) > 0.001 for z in grid) / len(grid))
sg.value_and_grad(sg.relu)(0.0), sg.value_and_grad(activations.step)(0.0)

# %% [markdown]
# $\max(0, z - 100)$ is as good a function as `relu`, only that no $z$ ever comes to where it
# starts. The Heaviside step, 1 for $z > 0$, jumps at 0 and is flat everywhere else. Where there
# is no derivative, at a kink or a jump, the engine takes 0, as the last line shows. And $\sin(20
# z)$ has a slope everywhere, which tells nothing about where $g$ goes.
#
# **Predict, then run:** three hidden units, four points that no line separates, ten different
# starts each. Which of the seven learn?

# %%
for name, trainings in trials.trainings.items():
    solved, first = sum(t.solved for t in trainings), trainings[0]
    print(f"{name:<15}  solved {solved:>2} of 10, hidden weights moved: {first.moved} of 9")

# %%
pictures["training"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# tanh and sigmoid always, `relu` six times: a unit that is at 0 for all four points is as dead as
# $\max(0, z - 100)$. The identity learns the best *line*, which is no use here. Below
# $\max(0, z - 100)$ and the step not a single bit of any weight changes; and yet the step solves it
# three times, where the hidden units happened to be useful from the start, and the output's own
# weights did the rest. Under $\sin(20 z)$ all weights move, and get nowhere.
#
# </details>
#
# **Try it:** `activations.run(hidden=5)`. Does the step get better? Does it *learn* better?
#
# <details><summary>Answer</summary>
#
# It solves the task 9 times in 10, but its hidden weights still do not move. Five random units
# are more likely to contain what is needed than three; that is luck and not learning.
#
# </details>

# %%
luck = [activations.learn(activations.step, seed, hidden=5) for seed in range(10)]
print(sum(t.solved for t in luck), "of 10 solved, weights moved:", sum(t.moved for t in luck))

# %% [markdown]
# Next: [A network at work](05d_network_at_work.ipynb).
