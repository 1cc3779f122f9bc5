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
# This notebook follows *Lecture 2, Error backpropagation*. It starts with a classifier from 1958
# that can only draw a straight line. Its learning rule turns out to be a gradient in disguise; and
# then nothing forces the line to be straight. The lecture's data sets are lost: those here are
# ours.

# %%
import scalargrad as sg
from scalargrad import Value, losses, optim, plot
from scalargrad.classifiers import NearestMean, Perceptron
from scalargrad.examples.lecture2 import nearest_mean, perceptron

# %% [markdown]
# ## The perceptron
#
# Rosenblatt's perceptron takes a point $x$, computes $z = w \cdot x + b$, and answers with the sign
# of $z$: class $+1$ on one side of the line $w \cdot x + b = 0$, class $-1$ on the other.

# %%
result = perceptron.run()
pictures = perceptron.figures(result)
pictures["structure"]

# %% [markdown]
# It learns from its mistakes, and from nothing else. The points come by, one after the other. One
# that is on the wrong side pulls the line over:
#
# $$w \leftarrow w + \eta\, x\, t \qquad b \leftarrow b + \eta\, t$$
#
# Here are nine points, and the four times that it was wrong:

# %%
X, T = perceptron.SETS["B"]
p = Perceptron(2, lr=0.5, w=[0.5, -0.25], b=0.125)
course = p.fit(X, T)
[(update.index, update.w, update.b) for update in course.updates]

# %%
pictures["at_work"]

# %% [markdown]
# Note the last panel. The error does not go down step by step: to please one point is to annoy
# another. Yet if some line separates the classes, the rule is known to find one in the end.
#
# **Try it:** give `Perceptron` a larger `lr`, say 5. Will it need fewer updates? (What if `w` and
# `b` start at zero: does `lr` make any difference at all?)

# %% [markdown]
# ## A rule that is a gradient
#
# Where is the gradient? Take the error $E = \max(0, -z t)$. It is 0 where $z$ has the sign of $t$,
# and grows with the distance to the right side. Let the engine differentiate it at point 4, the
# first that was wrong:

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
# Look closely at what was shown, though. Three things are easily read into it.
#
# **It is one point's error that is descended**, not the mean over all nine. The gradient of the
# mean adds up the three points that are wrong at the start, and divides by nine:

# %%
mean = perceptron.batch_gradient("B", "halves")
mean.dw, mean.db

# %% [markdown]
# **At $z = 0$ it fails.** There the sign is neither $+1$ nor $-1$, so the point is wrong by the
# rule; but $\max(0, -z t)$ has a kink there, and the engine takes 0 for its slope. Start from
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
# **It is not the hinge loss** by its usual name. That is $\max(0, 1 - z t)$, which is not content
# until $z t$ reaches 1. Both are in `sg.losses`.

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

# %% [markdown]
# ## What no line can do
#
# Four points, opposite corners in the same class: XOR. No line separates them, and the rule never
# comes to rest.

# %%
xor = result.xor.course
print(f"{len(xor.updates)} updates in {xor.epochs} passes, converged: {xor.converged}")
print("the last pass is like the one before:", xor.updates[-8:-4] == xor.updates[-4:])

# %%
pictures["xor"]

# %% [markdown]
# It goes round in circles, each of the four points spoiling what the one before has mended.
#
# **Try it:** move one of the corners until a line can separate them. How many updates does it take
# just after that?

# %% [markdown]
# ## The nearest mean
#
# A straight boundary can be had without any learning rule: take the mean $\mu_1$ of the one class
# and $\mu_2$ of the other, and give each point to the nearer. The squared distances differ by
# something linear, because $|x|^2$ cancels:
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
nearest_mean.figures(comparison)["two_boundaries"]

# %% [markdown]
# The nearest mean *describes* the classes, by one point each. It gets two points wrong, which it
# never notices, for it does not look. The perceptron *minimises* its errors and makes none, after
# four updates. That is all it does: it stops as soon as no point is wrong. On round classes the
# means keep a better distance:

# %%
for name, c in comparison.comparisons.items():
    for by, model in (("nearest mean", c.nearest_mean), ("perceptron", c.perceptron)):
        gap = nearest_mean.smallest_distance(model.w, model.b, c.data)
        print(f"{name:<9} {by:<12} {model.errors(*c.data)} errors, nearest point at {gap:+.2f}")

# %% [markdown]
# **Try it:** `nearest_mean.run(shift=0.5)` shifts the rows less. Does the nearest mean still make
# errors? And with `shift=3.0`?
#
# To minimise the error is the idea that carries on. In $\max(0, -z t)$ nothing says that $z$ must
# be $w \cdot x + b$: it may be computed by any network. Only its gradient must be had.

# %% [markdown]
# ## The limit formula
#
# How does one get a derivative of *anything*? By its definition. Move one parameter $\theta_t$ a
# little, and see how far $E$ moves:
#
# $$\frac{\partial E}{\partial \theta_t} \approx
# \frac{E(\theta + \varepsilon\, e_t) - E(\theta)}{\varepsilon}$$
#
# $e_t$ is 1 at place $t$ and 0 elsewhere. (The lecture writes $\delta_t$ for it. That is a vector
# that picks a parameter, and not the $\delta$ that comes below.) No chain rule, no thinking: $E$
# may be any program that gives a number. Here is a small network with eight weights, which will
# stay with us for a while:

# %%
from scalargrad.examples.lecture2 import numerical_differentiation as differences
from scalargrad.examples.lecture2 import seven_node

weights = dict(seven_node.WEIGHTS)
exact = sg.grad(differences.build)(weights)
for method in ("forward", "central"):
    (about,) = sg.numerical_grad(differences.build, (weights,), method)
    print(f"{method:<8} ∂E/∂w13 = {about['13']:.12f}, exact {exact['13']:.12f}")

# %% [markdown]
# The central formula looks to both sides, and is better:
#
# $$\frac{\partial E}{\partial \theta_t} \approx
# \frac{E(\theta + \varepsilon\, e_t) - E(\theta - \varepsilon\, e_t)}{2 \varepsilon}$$
#
# But why not make $\varepsilon$ so small that both are exact?

# %%
table = differences.run()
differences.figures(table)["errors"]

# %% [markdown]
# Coming from the right, the error falls with $\varepsilon$, or with $\varepsilon^2$. Then it turns.
# $E$ has 16 digits; of two nearly equal $E$ the leading digits cancel, and the last, rounded ones
# are divided by a tiny $\varepsilon$. With the 7 digits of float32 there is hardly anything to
# choose from. And at $\varepsilon = 10^{-8}$, $w + \varepsilon$ *is* $w$:

# %%
print("w + ε == w:", differences.single(0.6 + 1e-8) == differences.single(0.6))
print("gradient:", set(differences.gradient_in_float32(weights, eps=1e-8).values()))

# %% [markdown]
# So, differences are not very exact. Worse, they are slow. Each parameter needs an evaluation of
# its own: "as many as there are parameters", the lecture says. Count them:

# %%
print(table.evaluations, "for", len(weights), "parameters")

# %% [markdown]
# $P + 1$ forward, since $E(\theta)$ itself is needed once for all; $2P$ central. With a million
# parameters that is a million passes through the network *for a single step of descent*.
# Backpropagation makes one pass forward and one back, for any $P$.
#
# There is one thing for which differences are just right, and that is a test. They know nothing of
# the chain rule, so they do not make the same mistakes:

# %%
sg.check_grads(differences.build, (weights,))  # says nothing: all is well
print(differences.mistake())  # here someone wrote tanh' = 1 - a

# %% [markdown]
# **Try it:** take `method="extrapolated"` in the first cell of this section. How many digits are
# right now? (And how many evaluations may that take?)

# %% [markdown]
# ## One path, and many
#
# Now with thinking. Along a single path $\theta \to a \to b \to z$ the chain rule multiplies what
# it finds on the way:

# %%
from scalargrad.examples.lecture2 import path_counts

theta, z = path_counts.chain(0.5)  # a = θ², b = sin a, z = 3 b
(path,) = sg.paths(z, theta)
z.backward()
print(path)
print("local derivatives:", [round(slope, 6) for slope in path.partials])
print("their product:", round(path.product, 6), " by the engine:", round(theta.grad, 6))

# %% [markdown]
# In a network there are many ways from $\theta$ to $z$. Each contributes its product, and the
# derivative is the sum of them all. Here are the ways through three layers of two units:

# %%
pictures = path_counts.figures(path_counts.run())
pictures["paths"]

# %% [markdown]
# Every layer doubles their number. With $n$ units in each of $L$ layers there are $n^L$ paths:

# %%
for n, depth in ((2, 3), (3, 3), (3, 8), (10, 8)):
    start, end = path_counts.layered(n, depth)
    edges = path_counts.edges_between(end, start)
    print(f"n = {n:>2}, L = {depth}: {sg.count_paths(end, start):>11,} paths, {edges:>3} edges")

# %% [markdown]
# A hundred million products for *one* derivative, in a network that one could draw by hand. It has
# no more than 720 edges. That should make us think: what do all these paths consist of?
#
# **Try it:** `sg.paths(end, start)` lists the paths. What does it say to the last network above?

# %% [markdown]
# ## The factored sum
#
# They consist of the same edges, over and over. In the fan `b2` stands four times, and each of the
# two ways on from it is written down twice. Factor them out; compute them once; keep their sum.
# What is kept is
#
# $$\delta_i = \frac{\partial z}{\partial a_i} = \sum_j \delta_j\,
# \frac{\partial a_j}{\partial a_i}$$
#
# with $j$ over the units that $i$ leads to. (On the slide two braces are both named $\delta_j$. The
# outer one is $\delta_i$.)

# %%
pictures["factored"]

# %% [markdown]
# Eight paths, twelve edges. And a network of three layers of three, with numbers in it:

# %%
pictures["deltas"]

# %%
small = path_counts.run()
print(f"{len(small.products)} paths, added:  {small.by_paths:.15f}")
print(f"factored sum:      {small.by_factoring:.15f}")

# %% [markdown]
# Does the engine really look at each edge only once? Ask it. An operation of your own may count how
# often someone wants its slope:

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
# A million paths, twenty questions. The cost grows with the number of edges, not of paths; this is
# what makes it possible to train networks at all.
#
# **Try it:** change `plus(doubled, doubled)` into `plus(doubled, 1.0)`. How many paths are there
# now, how many questions?

# %% [markdown]
# ## Seven nodes
#
# Time to do it by hand, once, with every number. Two inputs, four tanh units, one linear output;
# and $E = \max(0, -z_7 t)$, the error of the perceptron.

# %%
net = seven_node.build()
net.E.backward()
pictures = seven_node.figures(net)
pictures["network"]

# %% [markdown]
# Forward it goes from left to right. (Two of the slide's equations are named $a_6$ and $a_7$, but
# define sums: these are $z_6$ and $z_7$.)

# %%
pictures["forward"]

# %% [markdown]
# $z_7 = -0.57$ while $t = +1$: the point is on the wrong side, so $E = 0.57$, and there is
# something to learn. Backward, it starts with $\delta_7 = \partial E / \partial z_7 = -t$. Then the
# weights into node 7; then the nodes before it; and so on:

# %%
pictures["backward"]

# %% [markdown]
# Look at $\delta_3$. Node 3 leads to 5 and to 6, so two terms are added, one for each. Everything
# that is needed has been computed before. In words and numbers:

# %%
sg.explain(net.E, net.w["13"])

# %% [markdown]
# You may go through it at your own pace:

# %%
sg.steps(net.E)

# %% [markdown]
# And what if the point is on its right side? With $t = -1$ the error is 0; $\delta_7$ is 0, and so
# is all that is multiplied by it. At $z_7 = 0$ exactly there is a kink. The lecture's indicator
# $I(-z_7 t > 0)$ is strict, so it takes 0 there as well, and so does the engine:

# %%
right = seven_node.run(t=-1.0)
print("t = -1:", {abs(w.grad) for w in right.w.values()})
zero = seven_node.build(x=(0.0, 0.0))
zero.E.backward()
print("at the kink:", zero.z[7].data, {abs(w.grad) for w in zero.w.values()})

# %% [markdown]
# **Try it:** set $w_{36}$ to 0 by `seven_node.build(weights=weights | {"36": 0.0})`. Which of the
# $\delta$ change, and is $\partial E / \partial w_{36}$ now 0, too?

# %% [markdown]
# ## Two meanings of δ
#
# The general rules of the lecture are
#
# $$\delta_j = \sum_k \delta_k\, g'(z_k)\, w_{jk} \qquad
# \frac{\partial E}{\partial w_{jk}} = \delta_k\, g'(z_k)\, a_j$$
#
# If you have read elsewhere about backpropagation, you will have seen them with the $g'$ in another
# place. Here $\delta_j$ is $\partial E / \partial a_j$, *behind* the activation. (Except for
# $\delta_7$, as node 7 has none.) Nearly everybody else means $\partial E / \partial z_j$, *before*
# it. Both are right, and they differ by $g'(z_j)$. A graph has both nodes, so you can ask for both:

# %%
for node in (3, 4, 5, 6):
    a, z = net.a[node], net.z[node]
    slope = 1 - a.data**2
    print(f"node {node}: ∂E/∂a = {a.grad:+.6f},  times g' = {slope:.6f}:  "
          f"{a.grad * slope:+.6f},  ∂E/∂z = {z.grad:+.6f}")  # fmt: skip

# %% [markdown]
# **Try it:** `seven_node.build(g=sg.sigmoid)`. What must `slope` be now?

# %% [markdown]
# ## How the five texts differ
#
# δ is not the only thing with two meanings. Whoever carries a formula or a number from one text to
# another should look here first:
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
# $a$ is the sum; elsewhere $a$ is what a unit gives. And the error decides what a learning rate
# means. Three errors, put together in four ways:

# %%
outputs, targets = [0.5, -1.0, 2.0], [1.0, 0.5, 1.5]
for reduction in ("half_sum", "sum", "mean", "half_mean"):
    number = losses.squared_error(outputs, targets, reduction)
    print(f"{reduction:<9}  {number:.4f}")

# %% [markdown]
# The gradients have the same factors between them. So $\alpha = 0.1$ with half the mean over 6
# samples makes the steps of $0.1 / 6$ with half the sum.
#
# Two losses share the name "hinge", too, as we saw: the perceptron's $\max(0, -zt)$, which is
# content with the right side, and $\max(0, 1 - zt)$, which wants a margin.
#
# **Try it:** for $t = -1$ the seven nodes are right, and learn nothing. Is the gradient 0 as well
# with `losses.hinge(seven_node.build().z[7], -1.0)`?

# %% [markdown]
# ## As matrices
#
# With the numbers of a layer in a vector, and its weights in a matrix, both rules fit on one line
# each ($\odot$ multiplies number by number):
#
# $$\delta^{l-1} = W\,(g'(z^l) \odot \delta^l) \qquad
# \frac{\partial E}{\partial W} = a^{l-1}\,(g'(z^l) \odot \delta^l)^\top$$
#
# The second is an outer product, a column times a row. For many points at once the columns are put
# side by side, and the outer products add up to one product of matrices:

# %%
from scalargrad.examples.lecture2 import matrix_form

form = matrix_form.run()
matrix_form.figures(form)["outer_products"]

# %%
gaps = [
    abs(x - y)
    for ours, theirs in ((form.dW01, form.batch.dW01), (form.dW12, form.batch.dW12))
    for row, other in zip(ours, theirs, strict=True)
    for x, y in zip(row, other, strict=True)
]
print("neuron by neuron and by matrices, equal to 14 digits:", max(gaps) < 1e-14)

# %% [markdown]
# Nothing new is computed. It is only the form that suits a fast machine.
#
# **Try it:** `matrix_form.run(points=1)`. How can you see in `dW01` that it is an outer product?

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
pictures["terms"]

# %% [markdown]
# The engine needs no rule for that. `grad` collects whatever arrives, so use a Value twice, and two
# terms come together:

# %%
u = Value(0.6, "u")
twice = sg.tanh(u * 0.5) + u * 3.0
twice.backward()
print(f"{u.grad:.6f} is {(1 - sg.tanh(0.3) ** 2) * 0.5:.6f} + 3")

# %% [markdown]
# **Try it:** call `twice.backward()` once more, and look at `u.grad`. It collects these, too. What
# does `zero_grad` do, and why do training loops call it?

# %% [markdown]
# ## Any forward program
#
# Look back: where have we written a backward pass? Only where we wanted to check it. The forward
# program is enough, and it need not be made of layers.
#
# A **residual block** computes $x + F(x)$. Its slope is $1 + F'(x)$, and the 1 is a way around $F$:

# %%
from scalargrad.examples.lecture2 import residual_and_attention as parts

result = parts.run()
pictures = parts.figures(result)
pictures["block"]

# %% [markdown]
# Stack thirty layers with such a way, and thirty without. How much of the gradient arrives at the
# first of them?

# %%
pictures["by_layer"]

# %% [markdown]
# **Attention** compares a query $q$ with keys $k_i$, and takes the mean of the values $v_i$,
# weighted by how well they fit:
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
# Descent goes against the shaded bars: it will look more at the first value, and less at the third.
# The formulas by hand are short as well (they stand in the example), and agree:

# %%
print("by the engine:", [round(value.grad, 9) for value in q])
print("by hand:      ", [round(d, 9) for d in result.attention.by_hand.q])

# %% [markdown]
# The example `small_gpt` puts both together, with thousands of parameters. It learns to make up
# names.
#
# **Try it:** `parts.run(scale=1.0)` draws weights of twice the size. Does the gradient still vanish
# without the way around? And with `scale=3.0`? (What does a large weight do to $\tanh'$?)

# %% [markdown]
# ## A hundred factors
#
# Formulas are not only for computing. They tell what to expect. Take a unit that reads one input
# after the other, and hands on its own state:
#
# $$a_k = g(z_k), \qquad z_k = w\, a_{k-1} + x_k$$
#
# From $a_0$ to $a_T$ there is just one path, so the derivative is one product:
#
# $$\frac{\partial a_T}{\partial a_0} = \prod_{k=1}^{T} w\, g'(z_k)$$
#
# A hundred factors of 0.9 are $0.00003$. A hundred factors of 1.1 are $14\,000$. Only if they are 1
# in size does the gradient stay what it is:

# %%
from scalargrad.examples.lecture2 import vanishing_gradients as vanishing

courses = vanishing.run()
vanishing.figures(courses)["size_by_depth"]

# %% [markdown]
# So a unit learns nothing about what it read long ago. The derivative of a sigmoid is at most
# $\frac{1}{4}$, so with $w = 1$ each step costs a factor of 4 or more. tanh has slopes up to 1, and
# one might hope that $w = 2$ makes up for the loss. It makes things worse:

# %%
for name in ("tanh, w = 1, noise", "tanh, w = 2, noise"):
    course = courses[name]
    print(f"{name}: mean factor {course.mean_factor:.2f}, mean |a| "
          f"{sum(map(abs, course.states)) / len(course.states):.2f}")  # fmt: skip

# %% [markdown]
# The larger weight drives the state to where tanh is flat. Is the product right? The engine has
# been through all hundred steps by its own rules:

# %%
course = courses["tanh, w = 1, noise"]
print(f"by hand {course.by_hand[0]:.6e}, by the engine {course.by_engine[0]:.6e}")

# %% [markdown]
# **Try it:** a unit `vanishing.Unit("linear", -1.1, 0.0, 1.0)`, by `vanishing.gradients(unit)`. The
# weight is below 1. Does it vanish?

# %% [markdown]
# ## Which activation?
#
# $\tanh$ is not the only choice for $g$. What must it have? It must not be linear, or all layers
# together are one. It needs a derivative, nearly everywhere. And this derivative must not be zero
# where $z$ comes to lie, since $\delta$ is multiplied by it on its way down. Six candidates, and
# the share of the $z$ from $-5$ to $5$ where $|g'(z)| > 0.001$:

# %%
from scalargrad.examples.lecture2 import activations

trials = activations.run()
pictures = activations.figures(trials)
pictures["functions"]

# %% [markdown]
# $\max(0, z - 100)$ is as good a function as `relu`, only that no $z$ ever comes to where it
# starts. The step, $1$ for $z > 0$, jumps at 0 and is flat everywhere else. Where there is no
# derivative, at a kink or a jump, the engine takes 0:

# %%
sg.value_and_grad(sg.relu)(0.0), sg.value_and_grad(activations.step)(0.0)

# %% [markdown]
# Three hidden units, four points that no line separates, ten different starts each:

# %%
for name, trainings in trials.trainings.items():
    solved, first = sum(t.solved for t in trainings), trainings[0]
    print(f"{name:<15}  solved {solved:>2} of 10, hidden weights moved: {first.moved} of 9")

# %%
pictures["training"]

# %% [markdown]
# The identity has the best slope of all, and learns the best *line*, which is no use here. Below
# $\max(0, z - 100)$ and below the step not one bit of a weight changes. But look: with the step
# three of the ten succeed! There the hidden units happened to stand well from the start, and the
# output's own weights, which do have a gradient, did the rest. `relu`, on the other hand, fails
# four times: a unit that is at 0 for all four points is as dead as $\max(0, z - 100)$.
#
# **Try it:** `activations.run(hidden=5)`. Does the step get better? Does it *learn* better?

# %% [markdown]
# ## A network at work
#
# All is there now: a network for $z$, the error $\max(0, -z t)$, and its gradient. The basic
# algorithm repeats
#
# $$\theta \leftarrow \theta - \gamma\, \nabla E$$
#
# which is what `sg.fit` does. Two inputs, five tanh units, one output; eight points.

# %%
from scalargrad.examples.lecture2 import network_at_work
from scalargrad.examples.lecture2.network_at_work import T, X

model = network_at_work.build()
history = sg.fit(
    model, X, T, losses.perceptron, optim.SGD(model.parameters(), lr=0.2), epochs=50
)  # fmt: skip
[round(E, 6) for E in history.losses[:13]]

# %%
work = network_at_work.run()
pictures = network_at_work.figures(work)
pictures["sequence"]

# %% [markdown]
# After 11 iterations all points are on their right sides, though no line could do it. And there it
# stops. Once every $z t$ is positive, the error is 0, and so is its gradient: not nearly, but
# exactly.

# %%
outputs = [model(x) for x in X]
model.zero_grad()
losses.perceptron(outputs, T).backward()
print("gradients:", {parameter.grad for parameter in model.parameters()})
print("smallest z t:", min(z.data * t for z, t in zip(outputs, T, strict=True)))

# %% [markdown]
# So the boundary stays where it was when the last point slipped over it. Of 400 fresh points around
# the same corners it gets this many wrong:

# %%
work.fresh["perceptron loss"]

# %% [markdown]
# **Try it:** a smaller learning rate takes smaller steps, so it stops even closer to the last
# point. Train `build()` once more, with `lr=0.02` for 200 epochs. What is the smallest $z t$ now?

# %% [markdown]
# ## A gradient is not enough
#
# What the lecture only hints at: better ways to descend, and something that keeps the network from
# resting on the first solution it meets. Three small changes:
#
# - the hinge $\max(0, 1 - z t)$, which pushes until $z t$ reaches 1;
# - momentum, which repeats a share of the last step;
# - L2, which adds $\frac{\lambda}{2} \sum \theta^2$ to the error.

# %%
for name, course in work.courses.items():
    print(
        f"{name:<26} all right from iteration {course.first_right}, "
        f"{work.fresh[name]:>2} of 400 fresh points wrong"
    )

# %%
pictures["boundaries"]

# %% [markdown]
# The hinge does most of it. Momentum brings the hinge's error to 0 in 19 iterations in place of 37;
# on the perceptron loss it first shoots past, but coasts on after the gradient is gone, and ends up
# at a better place. On the hinge it leaves large weights, $\sum \theta^2 = 78$; with L2 it is 17.
#
# One more danger: a point with a wrong label. The network has enough units to bend to it in the
# end. Watch points that it does not learn from, and keep the weights that did best on those:

# %%
pictures["early_stopping"]

# %%
early = work.early
print(f"kept epoch {early.stopped.best_epoch}: {early.fresh_stopped} of 400 fresh points wrong")
print(f"trained to the end: {early.fresh_whole}")

# %% [markdown]
# **Try it:** train with `optim.Adam` in place of `optim.SGD`. Which of the numbers above do you
# expect to change, and which not?
