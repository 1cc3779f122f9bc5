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
# # Error backpropagation
#
# This notebook and the three that follow go through *Lecture 2, Error backpropagation*. It starts
# with a classifier from 1958 that can only draw a straight line. Its learning rule turns out to
# be a gradient; and then nothing forces the line to be straight. The lecture's data sets are
# lost: those here are ours.
#
# 1. This one: the perceptron, and what a gradient costs
# 2. [Seven nodes](05b_seven_nodes.ipynb): the worked example, by hand and as matrices
# 3. [Any forward program](05c_any_program.ipynb): ResNet, Yolo, attention; recurrence; activations
# 4. [A network at work](05d_network_at_work.ipynb): what it learns, and when it overfits

# %%
import math

import scalargrad as sg
from scalargrad import Value, losses, plot
from scalargrad.classifiers import NearestMean, Perceptron
from scalargrad.examples.lecture2 import nearest_mean, perceptron

# %% [markdown]
# ## The perceptron
#
# Rosenblatt's perceptron takes a point $x$, computes $z = w \cdot x + b$, and answers with the
# sign of $z$: class $+1$ on one side of the line $w \cdot x + b = 0$, class $-1$ on the other.

# %%
result = perceptron.run()
pictures = perceptron.figures(result)
pictures["structure"]

# %% [markdown]
# It learns from its mistakes, and from nothing else. The points come one after the other, again
# and again. A point that is on the wrong side moves the line:
#
# $$w \leftarrow w + \eta\, x\, t \qquad b \leftarrow b + \eta\, t$$
#
# Here is the rule as a program, for nine points:

# %%
X, T = perceptron.SETS["B"]
eta, w, b = 0.5, [0.5, -0.25], 0.125
mistakes = []
for _ in range(10):  # passes through all points
    before = len(mistakes)
    for k, (x, t) in enumerate(zip(X, T, strict=True)):
        z = w[0] * x[0] + w[1] * x[1] + b
        if z * t <= 0:  # on the wrong side
            w = [wi + eta * xi * t for wi, xi in zip(w, x, strict=True)]
            b = b + eta * t
            mistakes.append(k)
    if len(mistakes) == before:  # a whole pass without a mistake
        break
print("mistakes at points", mistakes, " w =", w, " b =", b)

# %% [markdown]
# The library's `Perceptron` does the same, and remembers each update:

# %%
p = Perceptron(2, lr=0.5, w=[0.5, -0.25], b=0.125)
course = p.fit(X, T)
[(update.index, update.w, update.b) for update in course.updates]

# %%
pictures["at_work"]

# %% [markdown]
# Look at the last panel. The error does not fall with every update: a step that is good for one
# point can be bad for another.
#
# **Predict, then run:** give the perceptron a larger `lr`, say 5. Does it need fewer updates? And
# if `w` and `b` start at zero, does `lr` make any difference at all?

# %%
for lr, start in ((0.5, [0.5, -0.25]), (5.0, [0.5, -0.25]), (1.0, [0.0, 0.0]), (5.0, [0.0, 0.0])):
    other = Perceptron(2, lr=lr, w=start, b=0.125 if any(start) else 0.0)
    updates = len(other.fit(X, T).updates)
    print(f"lr = {lr}, w starts at {start}: {updates} updates, w = {other.w}, b = {other.b}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# It needs 3 instead of 4: with a large rate the start no longer matters, and the updates are the
# same as from zero. From zero the rate makes no difference to the course: $w$ and $b$ are $\eta$
# times a sum of points, and the sign of $z$ does not depend on $\eta$.
#
# </details>

# %% [markdown]
# ## A rule that is a gradient
#
# Where is the gradient? Take the error $E = \max(0, -z t)$. It is 0 where $z$ has the sign of
# $t$, and grows with the distance to the correct side. Let the engine differentiate it at point
# 4, the first that was wrong:

# %%
w1, w2, b = Value(0.5, "w1"), Value(-0.25, "w2"), Value(0.125, "b")
E = perceptron.build([w1, w2], b, X[4], T[4])
E.label = "E"
E.backward()
sg.draw(E)

# %%
lr = 0.5
[parameter.data - lr * parameter.grad for parameter in (w1, w2, b)], course.updates[0]

# %% [markdown]
# The same numbers: $-\eta\,\partial E / \partial w$ is $+\eta\, x\, t$. And so it goes on, to the
# last bit:

# %%
by_gradient = perceptron.descend("B", "halves")
print("the same course:", by_gradient == course)

# %% [markdown]
# Three things are easily read into this, and are not so.
#
# **It is one point's error that is descended**, not the mean over all nine. The gradient of the
# mean adds up the three points that are wrong at the start, and divides by nine:

# %%
mean = perceptron.batch_gradient("B", "halves")
mean.dw, mean.db

# %% [markdown]
# **At $z = 0$ it fails.** There the sign is neither $+1$ nor $-1$, so by the rule the point is
# wrong; but $\max(0, -z t)$ has a kink there, and the engine takes 0 for its slope. Start from
# zeros, and *every* point has $z = 0$:

# %%
for sign0 in ("wrong", 1, "right"):
    found = perceptron.learn("B", "zeros", sign0)
    print(f"z = 0 is {sign0}: {len(found.course.updates)} updates, {found.left} points not right")
print(f"by gradients: {len(perceptron.descend('B', 'zeros').updates)} updates")

# %% [markdown]
# Three readings of one small word in the rule, and three results. With `sign0=1` one point even
# ends *on* the line: its class is $+1$ by decree.
#
# **It is not the hinge loss** by its usual name. That is $\max(0, 1 - z t)$, which is not 0 until
# $z t$ reaches 1. Both are in `sg.losses`.

# %%
plot.curves(
    {
        "perceptron: max(0, -z t)": lambda z: losses.perceptron(z, 1.0),
        "hinge: max(0, 1 - z t)": lambda z: losses.hinge(z, 1.0),
    },
    (-2, 2), xlabel="z", ylabel="E", title="Two losses of a point with t = +1",
    alt="Both fall with slope -1; the perceptron loss reaches 0 at z = 0, the hinge at z = 1",
)  # fmt: skip

# %% [markdown]
# **Try it:** start with `w=[0, 0]`, but with `b=0.1`. Do the readings of $z = 0$ still differ?
#
# <details><summary>Answer</summary>
#
# No. No point ever has $z = 0$ exactly, so all three make the same five updates:
#
# </details>

# %%
for sign0 in ("wrong", 1, "right"):
    other = Perceptron(2, b=0.1, sign0=sign0)
    print(sign0, len(other.fit(X, T).updates), other.errors(X, T))

# %% [markdown]
# ## What no line can do
#
# Four points, opposite corners in the same class: XOR. No line separates them; they are not
# *linearly separable*, and the rule never comes to rest.

# %%
xor = result.xor.course
print(f"{len(xor.updates)} updates in {xor.epochs} passes, converged: {xor.converged}")
print("the last pass is like the one before:", xor.updates[-8:-4] == xor.updates[-4:])

# %%
pictures["xor"]

# %% [markdown]
# It goes round in circles: each of the four points spoils what the one before has repaired.
#
# **Try it:** move the corner $(1, 1)$ towards $(0, 0)$ until a line separates the classes. How
# many updates does it take just after that?
#
# <details><summary>Answer</summary>
#
# At $(0.5, 0.5)$ the corner lies on the line between the two points of class $+1$; below that a
# line separates them. Close to it, at $0.45$, it takes 151 updates; at $0.3$ only 9. The narrower
# the gap, the more mistakes:
#
# </details>

# %%
for c in (0.5, 0.45, 0.4, 0.3):
    other = Perceptron(2, lr=0.5, w=[0.5, -0.25], b=0.125)
    moved = other.fit([[0, 0], [0, 1], [1, 0], [c, c]], [-1, 1, 1, -1], epochs=1000)
    print(f"corner at {c}: {len(moved.updates)} updates, converged: {moved.converged}")

# %% [markdown]
# ## When it stops
#
# If the classes are linearly separable, the perceptron stops: this is its *convergence theorem*.
# It even says when. Put the bias into the weights (each point gets a further input that is always
# 1). Let $u$ be a separator of length 1, with $t\, u \cdot x \geq \gamma > 0$ for all points:
# $\gamma$ is the margin. Let no point be longer than $R$. Then from $w = 0$
#
# $$\text{mistakes} \leq \left(\frac{R}{\gamma}\right)^2$$
#
# The proof holds two lengths against each other, for $\eta = 1$. A mistake adds $t x$ to $w$. So
# $u \cdot w$ grows by at least $\gamma$; after $k$ mistakes it is at least $k \gamma$. And
# $|w|^2$ grows by $2 t\, w \cdot x + |x|^2 \leq R^2$, because $t\, w \cdot x \leq 0$ at a
# mistake; so $|w| \leq \sqrt{k} R$. But $u \cdot w \leq |w|$, so $k \gamma \leq \sqrt{k} R$,
# which ends at $k = (R / \gamma)^2$.
#
# A thousand random sets, each with a line that separates it:

# %%
bounds = [perceptron.bound(*perceptron.random_set(seed)) for seed in range(1000)]
above = sum(of.mistakes > of.most for of in bounds)
worst = max(of.mistakes / of.most for of in bounds)
print(f"above the bound: {above} of {len(bounds)}; the nearest comes to {worst:.0%} of it")
pictures["bound"]

# %% [markdown]
# **Try it:** the theorem has no $\eta$ in it. Why?
#
# <details><summary>Answer</summary>
#
# From $w = 0$ everything is proportional to $\eta$: $u \cdot w \geq k \eta \gamma$ and $|w| \leq
# \sqrt{k}\, \eta R$. It cancels. From another start it does not, and the bound changes.
#
# </details>

# %% [markdown]
# ## The nearest mean
#
# A straight boundary can be had without any learning rule: take the mean $\mu_1$ of the one class
# and $\mu_2$ of the other, and assign each point to the nearer one. The squared distances differ
# by something linear, because $|x|^2$ cancels:
#
# $$|x - \mu_2|^2 - |x - \mu_1|^2 = w \cdot x + b, \qquad w = 2(\mu_1 - \mu_2), \quad
# b = |\mu_2|^2 - |\mu_1|^2$$

# %%
X, T = nearest_mean.elongated()
means = NearestMean().fit(X, T)
first, second = means.squared_distances([2.0, 1.0])
second - first, means([2.0, 1.0])

# %% [markdown]
# (And where both distances are equal? The lecture does not say; here such a point has class 0.)
#
# Whether that is any good depends on how the classes lie. Two long rows of points, one above the
# other and shifted sideways:

# %%
comparison = nearest_mean.run()
pictures = nearest_mean.figures(comparison)
pictures["two_boundaries"]

# %% [markdown]
# The nearest mean *describes* the classes, by one point each. It gets two points wrong, and never
# notices. The perceptron *minimises* its errors and makes none, after four updates. That is all
# it does: it stops as soon as no point is wrong. On round classes the means keep a better
# distance:

# %%
pictures["round_classes"]

# %%
for name, c in comparison.comparisons.items():
    for by, model in (("nearest mean", c.nearest_mean), ("perceptron", c.perceptron)):
        gap = nearest_mean.smallest_distance(model.w, model.b, c.data)
        print(f"{name:<9} {by:<12} {model.errors(*c.data)} errors, nearest point at {gap:+.2f}")

# %% [markdown]
# **Try it:** shift the rows by 0.5 in place of 1. Does the nearest mean still make errors? And by
# 2, or 3?
#
# <details><summary>Answer</summary>
#
# At 0.5 it makes none, and at 2 again two. At 3 the rows no longer lie one above the other, and
# it makes none: the means then differ mostly sideways, which is where the classes differ, too.
#
# </details>

# %%
for shift in (0.0, 0.5, 1.0, 2.0, 3.0):
    c = nearest_mean.compare(nearest_mean.elongated(shift))
    print(f"shift {shift}: nearest mean {len(c.wrong)} errors, perceptron {c.errors}")

# %% [markdown]
# To minimise the error is the idea that carries on. In $\max(0, -z t)$ nothing says that $z$ must
# be $w \cdot x + b$: any network may compute it. We only need its gradient.
#
# ## The limit formula
#
# How do you get a derivative of *anything*? By its definition. Move one parameter $\theta_t$ a
# little, and see how far $E$ moves:
#
# $$\frac{\partial E}{\partial \theta_t} \approx
# \frac{E(\theta + \varepsilon\, e_t) - E(\theta)}{\varepsilon}$$
#
# $e_t$ is 1 at place $t$ and 0 elsewhere. (The lecture writes $\delta_t$ for it. That is a vector
# that picks a parameter, and not the $\delta$ that comes later.) You need no chain rule: $E$ may
# be any program that gives a number. Here is a small network with eight weights, which will stay
# with us for a while:

# %%
from scalargrad.examples.lecture2 import numerical_differentiation as differences
from scalargrad.examples.lecture2 import seven_node

weights = dict(seven_node.WEIGHTS)
exact = sg.grad(differences.build)(weights)
eps = 1e-6
ahead = differences.build(weights | {"13": weights["13"] + eps})
behind = differences.build(weights | {"13": weights["13"] - eps})
base = differences.build(weights)
print(f"forward  {(ahead - base) / eps:.12f}")
print(f"central  {(ahead - behind) / (2 * eps):.12f}")
print(f"exact    {exact['13']:.12f}")

# %% [markdown]
# The central formula looks to both sides, and is better:
#
# $$\frac{\partial E}{\partial \theta_t} \approx
# \frac{E(\theta + \varepsilon\, e_t) - E(\theta - \varepsilon\, e_t)}{2 \varepsilon}$$
#
# **Predict, then run:** why not make $\varepsilon$ so small that both are exact? What happens at
# $\varepsilon = 10^{-14}$?

# %%
table = differences.run()
pictures = differences.figures(table)
pictures["errors"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Coming from the right, the error falls with $\varepsilon$, or with $\varepsilon^2$. Then it
# turns. $E$ has 16 digits; of two nearly equal $E$ the leading digits cancel, and the last,
# rounded ones are divided by a tiny $\varepsilon$. At $10^{-14}$ hardly two digits are right.
# With the 7 digits of float32 there is hardly anything to choose from.
#
# </details>
#
# In float32, at $\varepsilon = 10^{-8}$, $w + \varepsilon$ *is* $w$:

# %%
print("w + ε == w:", differences.single(0.6 + 1e-8) == differences.single(0.6))
print("gradient:", set(differences.gradient_in_float32(weights, eps=1e-8).values()))

# %% [markdown]
# There is one thing for which differences are just right: a test. They know nothing of the chain
# rule, so they do not make the same mistakes:

# %%
sg.check_grads(differences.build, (weights,))  # says nothing: all is well
print(differences.mistake())  # here someone wrote tanh' = 1 - a

# %% [markdown]
# **Try it:** take `method="extrapolated"` of `sg.numerical_grad`. How many digits are right now?
# And how many evaluations of $E$ does it take?
#
# <details><summary>Answer</summary>
#
# Thirteen digits, for 577 evaluations in place of 9: it computes central differences for many
# $\varepsilon$ and extrapolates to $\varepsilon = 0$.
#
# </details>

# %%
(about,) = sg.numerical_grad(differences.build, (weights,), "extrapolated")
print("13 digits are right:", max(abs(about[name] - exact[name]) for name in exact) < 1e-12)
print("evaluations:", differences.cost(differences.build, weights, "extrapolated"))

# %% [markdown]
# ## What it costs
#
# Worse than the rounding is the time. Each parameter needs an evaluation of its own: "as many as
# there are parameters", the lecture says. Count them:

# %%
print(table.evaluations, "for", len(weights), "parameters")

# %% [markdown]
# $P + 1$ forward, since $E(\theta)$ itself is needed once for all; $2P$ central. And one
# evaluation takes longer, too, in a larger network. So the time of a gradient grows with $P^2$.
# The lecture names networks of $10^3$ to $10^9$ parameters. The times here were measured once, on
# one core, up to $P = 10^6$; beyond that they are extrapolated:

# %%
costs = list(differences.RECORDED)
costs += [differences.extrapolated(differences.RECORDED, 10**k) for k in (7, 8, 9)]
for c in costs:
    print(
        f"P = {c.parameters:>13,}:  {differences.lasting(c.differences):>12} by differences, "
        f"{differences.lasting(c.gradient):>12} by backpropagation"
    )

# %%
pictures["cost"]

# %% [markdown]
# With a billion parameters one gradient, for *a single step of descent*, would take 846 years.
# Backpropagation makes one pass forward and one back, for any $P$. How is that possible?
#
# **Try it:** read off the picture how long differences would take for the example `small_gpt`,
# which has 4,080 parameters: for one gradient, and for a thousand steps of training.
#
# <details><summary>Answer</summary>
#
# Between half a second and a second for a gradient (from 0.05 s at $10^3$ it grows with the
# square of $P$), so a quarter of an hour for a thousand steps; and more, since its forward pass
# is longer than that of our one layer. Backpropagation needs a fraction of a millisecond a
# gradient.
#
# </details>

# %% [markdown]
# ## One path, and many
#
# Along a single path $\theta \to a \to b \to z$ the chain rule multiplies what it finds on the
# way:

# %%
from scalargrad.examples.lecture2 import path_counts

theta, z = path_counts.chain(0.5)  # a = θ², b = sin a, z = 3 b
(path,) = sg.paths(z, theta)
z.backward()
print(path)
print("local derivatives:", [round(slope, 6) for slope in path.partials])
print("by hand:", round(2 * 0.5 * math.cos(0.25) * 3, 6), " by the engine:", round(theta.grad, 6))

# %% [markdown]
# In a network there are many paths from $\theta$ to $z$. Each contributes its product, and the
# derivative is the sum of them all. Here are the paths through three layers of two units:

# %%
small = path_counts.run()
pictures = path_counts.figures(small)
pictures["paths"]

# %% [markdown]
# A path of four factors takes three multiplications, so the eight paths take 24. Every layer
# doubles the paths. With $n$ units in each of $L$ layers there are $n^L$ of them.
#
# **Predict, then run:** how many paths and how many edges has a network of 8 layers of 10 units?

# %%
for n, depth in ((2, 3), (3, 3), (3, 8), (10, 8)):
    start, end = path_counts.layered(n, depth)
    edges = path_counts.edges_between(end, start)
    paths = sg.count_paths(end, start)
    print(
        f"n = {n:>2}, L = {depth}: {paths:>11,} paths, {paths * depth:>11,} multiplications, "
        f"{edges:>3} edges"
    )

# %%
pictures["growth"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# $10^8$ paths, and $2 \cdot 10 + 10^2 \cdot 7 = 720$ edges. Paths multiply with each layer, edges
# only add.
#
# </details>
#
# 800,000,000 multiplications for *one* derivative, in a network that one could draw by hand. It
# has no more than 720 edges. What do all these paths consist of?
#
# **Try it:** `sg.paths(end, start)` lists the paths. What does it say to the last network above?
#
# <details><summary>Answer</summary>
#
# It refuses, and names what does better:
#
# </details>

# %%
try:
    sg.paths(end, start)
except ValueError as error:
    print(error)

# %% [markdown]
# ## The factored sum
#
# They consist of the same edges, over and over. In the fan, `b2` appears four times, and the two
# paths from it are written down each time. Factor them out; compute them once; keep their sum. What
# is kept is
#
# $$\delta_i = \frac{\partial z}{\partial a_i} = \sum_j \delta_j\,
# \frac{\partial a_j}{\partial a_i}$$
#
# with $j$ over the units that $i$ leads to. (On the slide two braces are both named $\delta_j$.
# The outer one is $\delta_i$.)

# %%
pictures["factored"]

# %% [markdown]
# Eight paths, twelve edges. The same by program, for three layers of three tanh units, with
# numbers:

# %%
W, layers = (
    path_counts.WEIGHTS,
    path_counts.build(
        0.4, path_counts.WEIGHTS, math.tanh, lambda w, a: sum(map(float.__mul__, w, a))
    ),
)
delta = [1.0]  # ∂z/∂z
for number in range(len(W), 0, -1):
    outputs = layers[number]
    slopes = [1.0] if number == len(W) else [1 - a * a for a in outputs]
    delta = [
        sum(d * slope * w for d, slope, w in zip(delta, slopes, row, strict=True))
        for row in W[number - 1]
    ]
    print("δ of layer", number - 1, [round(d, 6) for d in delta])
print(f"{len(small.products)} paths, added: {small.by_paths:.12f}, factored: {delta[0]:.12f}")

# %%
pictures["deltas"]

# %% [markdown]
# Does the engine really look at each edge only once? Ask it. An operation of your own may count
# how often someone wants its slope:

# %%
asked = []


def slopes(x, y, out):
    asked.append(out)
    return 1.0, 1.0


plus = sg.primitive("my_plus", lambda x, y: x + y, slopes)
x = doubled = Value(1.0, "x")
for _ in range(20):
    doubled = plus(doubled, doubled)
doubled.backward()
print(f"{sg.count_paths(doubled, x):,} paths, {len(asked)} questions, derivative {x.grad:,.0f}")

# %% [markdown]
# A million paths, twenty questions. The cost grows with the number of edges, not of paths; this
# is what makes it possible to train networks at all.
#
# **Try it:** change `plus(doubled, doubled)` into `plus(doubled, 1.0)`. How many paths are there
# now, how many questions?
#
# <details><summary>Answer</summary>
#
# One path, and still twenty questions: one for each operation.
#
# </details>
#
# The next notebook, [Seven nodes](05b_seven_nodes.ipynb), does it by hand, with every number.
