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
# A network makes an error. Which of its weights is to blame, and how much? Back-propagation gives
# every weight its share. The first half begins with a network of one weight, where everything can
# be checked on paper, and ends with one of 160,000 that recalls photographs. The second half adds
# hidden layers, and shows what goes wrong.
#
# This notebook follows J. V. Stone's lecture "Backprop: how it works (and how it fails)". Its
# names, which the code keeps:
#
# | name | what it is |
# |---|---|
# | $x$ | the state of an input unit |
# | $w$ | a weight, from one unit to another |
# | $u$ | what arrives at a unit: the weighted sum of the states before it |
# | $z = f(u)$ | the state of a hidden unit, in the second half |
# | $y = f(u)$ | the state of an output unit |
# | $\tau$ | tau, the target: what $y$ should be |
# | $x \to \tau$ | an association, which is to be learnt |
# | $\delta = y - \tau$ | the error of the output |
# | $\epsilon$ | epsilon, the learning rate |

# %%
import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.examples.stone import four_by_four, photographs, simplest_network, two_inputs

# %% [markdown]
# ## The simplest network
#
# One input, one weight, one output: $u = w x$ and $y = f(u)$, where $f$ changes nothing. With
# $x = 0.8$ the answer is to be $\tau = 0.2$. The weight is $0.4$ and so the answer is wrong. How
# wrong? $E = \frac12 (y - \tau)^2$.

# %%
x, w = Value(0.8, "x"), Value(0.4, "w")
y = w * x
y.label = "y"
E = losses.squared_error(y, 0.2)
E.label = "E"
E.backward()
sg.draw(E)

# %% [markdown]
# `y.grad` is $\partial E / \partial y$. That is $\delta$ itself. One step further back it is
# multiplied by what stands beside the weight:
# $\frac{dE}{dw} = \delta x = 0.12 \cdot 0.8 = 0.096$.

# %%
sg.explain(E, w)

# %% [markdown]
# A neuron of this library is the same thing. It makes one node for $u$ and, if it has an
# activation, one for $y$. Both can be looked at.

# %%
neuron = nn.Neuron(1, "tanh", bias=False)
neuron.w[0].data = 0.4
output = neuron([0.8])
(u,) = output.parents
u.data, output.data

# %% [markdown]
# **Try it:** start with `w = Value(0.25, "w")`. What is $\delta$, and what would the weight learn?
#
# ## The slope of the error
#
# $E$ depends on $w$ alone, so it can be drawn. The derivative is the slope of the tangent. Who has
# only values of $E$ can go a piece $\Delta w$ and divide, $\Delta E / \Delta w$. That is the slope
# of a secant, and it is too steep here.

# %%
simplest = simplest_network.run()
simplest_pictures = simplest_network.figures(simplest)
simplest_pictures["error_curve"]

# %% [markdown]
# By how much too steep? On a parabola by exactly $\frac12 x^2 \Delta w$. So it helps to make the
# piece small, though not too small: in $E(w + \Delta w) - E(w)$ the leading digits cancel.

# %%
for step in (0.1, 0.001, 1e-6, 1e-9, 1e-12):
    ratio = simplest_network.secant(step)
    print(f"Δw = {step:<6g}  ΔE/Δw = {ratio:.9f}  too steep by {ratio - 0.096:+.1e}")

# %% [markdown]
# The last line is worse than the two before it. Back-propagation has no such trouble: it multiplies
# derivatives that are known, and takes no differences.
#
# The *sign* of the slope says in which direction $E$ grows, its *size* how steeply. On the left of
# the minimum at $w^* = 0.25$ it is negative:

# %%
[round(sg.grad(simplest_network.error)(place), 3) for place in (-0.5, 0.0, 0.25, 0.5, 1.0)]

# %% [markdown]
# ## Learning one association
#
# The slope points uphill, so go the other way: $\Delta w = -\epsilon \frac{dE}{dw}$. Repeat until
# the slope is about zero.
#
# The test has to stand *inside* the loop. On the slide the indentation was lost, and the `if`
# stands behind the loop that it should end.

# %%
w = Value(0.4, "w")
optimizer = optim.SGD([w], lr=0.5)
updates = 0
while True:
    optimizer.zero_grad()
    simplest_network.error(w).backward()
    optimizer.step()
    updates += 1
    if abs(w.grad) < 1e-6:  # the slope from before this update
        break
updates, round(w.data, 6)

# %% [markdown]
# How large may $\epsilon$ be? Each update multiplies the distance to $w^*$ by
# $1 - \epsilon x^2$. If that is $0$, one update is enough. If it is below $-1$, every jump lands
# further away than it began.

# %%
simplest_pictures["descents"]

# %%
{rate: descent.updates for rate, descent in simplest.descents.items()}

# %% [markdown]
# `None` is never. At $\epsilon = 2/x^2 = 3.125$ the weight swings between 0.4 and 0.1 for ever, and
# the error does not change at all.
#
# **Try it:** `simplest_network.learn(3.12, limit=10_000).updates`. Just below the limit it does
# settle. After how many updates?
#
# ## Two inputs, two associations
#
# With two inputs the output is $y = w_1 x_1 + w_2 x_2 = \mathbf{w} \cdot \mathbf{x}$, and $E$ is a
# surface over the plane of the two weights. There are two associations, and their errors are added.

# %%
two = two_inputs.run()
two_pictures = two_inputs.figures(two)
two_pictures["surface"]

# %% [markdown]
# The arrow on the ground is $-\nabla E$, the direction in which the error falls most. Where does it
# come from? Each association asks for something of its own, and these add up:

# %%
for number, part in enumerate(two.associations, 1):
    print(f"association {number}: δ = {part.delta:+.2f}, gradient", part.gradient)
print("both at once:             gradient", two.gradient)

# %% [markdown]
# So the algorithm runs through all associations first, adds up what they ask for, and then makes
# one update. Gradients of leaves add up over calls of `backward`, so that comes by itself, and
# `zero_grad` begins the next sum.

# %%
w = [Value(-0.8, "w1"), Value(-1.6, "w2")]
optimizer = optim.SGD(w, lr=0.5)
for sweep in range(3):
    optimizer.zero_grad()
    for inputs, target in zip(two_inputs.X, two_inputs.TARGETS, strict=True):
        losses.squared_error(sg.dot(w, inputs), target).backward()
    optimizer.step()
    print(f"after {sweep + 1}: w = ({w[0].data:+.4f}, {w[1].data:+.4f})")

# %%
two_pictures["contours"]

# %% [markdown]
# The path does not lead straight to the minimum. It crosses the contours at right angles, and the
# valley is wider in one direction than in the other. What is steep is learnt fast.
#
# **Try it:** put `optimizer.zero_grad()` before the `for sweep` loop, so that it is called only
# once, and let it run for 20 sweeps. The old gradients then stay in the sum. What does the path
# look like?
#
# ## How many associations fit into two weights?
#
# Each association is one equation, $\mathbf{w} \cdot \mathbf{x}_t = \tau_t$, a straight line in the
# plane of the weights. Two lines cross in one point, as a rule.

# %%
two_pictures["lines"]

# %% [markdown]
# Three lines leave a triangle, and no weights suit all three: the error stays at 0.090. And two
# inputs that point the same way are in truth one question, asked twice. If the answers disagree,
# there is no solution. If they agree, there are too many, and descent ends at the one next to where
# it began (the white dots). So it is not the *number* of associations that counts, but whether
# their inputs are independent.

# %%
try:
    two_inputs.crossing(two_inputs.COLLINEAR)
except ValueError as fault:
    print(fault)

# %% [markdown]
# A trap: $x_{it}$ is input unit $i$ of association $t$. A table written that way has an association
# in each *column*. Read by rows it is another problem, of the same shape and without any error
# message:

# %%
[round(w, 3) for w in two.solution], [round(w, 3) for w in two.transposed]

# %% [markdown]
# **Try it:** give the two parallel associations a start of your own,
# `two_inputs.learn(0.2, (0.0, 0.0), two_inputs.COLLINEAR).weights[-1]`. In which direction did the
# weights move, and in which did they not?
#
# ## Four networks in one
#
# Four inputs and four outputs make sixteen weights. But no weight serves two outputs. So this is
# four networks of one output which happen to look at the same inputs.

# %%
four = four_by_four.run()
four_pictures = four_by_four.figures(four)
four_pictures["one_network"]

# %%
four_pictures["four_networks"]

# %% [markdown]
# Trained together or one after the other, the weights are the same to the last bit:

# %%
four.apart

# %% [markdown]
# The four inputs are pixels in a ring, the task is to move a bar of two pixels one to the right.
# Only three of the four bars were shown. The fourth works as well, because it is the first minus
# the second plus the third, and a linear network keeps such sums. On the picture `+ - + -`, at
# right angles to everything that was shown, it still answers what it answered before it learnt.

# %%
bars = [*four_by_four.X, four_by_four.UNSEEN, four_by_four.UNTOUCHED]
for bar, before, after in zip(bars, four.before, four.answers, strict=True):
    print(*(f"{pixel:+.0f}" for pixel in bar), end="   before")
    print(*(f"{pixel:+5.1f}" for pixel in before), end="   after")
    print(*(f"{round(pixel, 1) + 0.0:+5.1f}" for pixel in after))

# %% [markdown]
# **Try it:** let the third bar stay where it is:
# `course = four_by_four.together(targets=(*four_by_four.TARGETS[:2], four_by_four.X[2]))`. What
# does `four_by_four.build(course.weights[-1], four_by_four.UNSEEN)` make of the fourth bar then?
#
# ## Learning photographs
#
# The same network, larger: every pixel is an input and an output, and what it has to learn for a
# photograph is the photograph itself. What is that good for? Show it a *noisy* photograph
# afterwards. The noise resembles nothing that was learnt, and is dropped.
#
# Here with 20 x 20 pixels, which are 160,000 weights. `python -m scalargrad run photographs` does
# it with 50 x 50, which are 6.25 million.

# %%
album = photographs.run(n=20, updates=12, way="eager")
album_pictures = photographs.figures(album)
album_pictures["pictures"]

# %% [markdown]
# Nobody told the network *which* of its two photographs to look up: the memory is found by its
# content. Such a memory is called content-addressable. After one update (e) it is still a mixture
# of both.
#
# The last picture (f) began with random weights instead of zero. It learnt the photographs as
# well, but descent moves weights only along the inputs it is shown. On everything else, the noise
# for instance, the old weights go on acting. So begin at zero, or near it.

# %%
album_pictures["errors"]

# %% [markdown]
# The graph of one update has two `dot` nodes for each output, one for each photograph. At 50 x 50
# that makes 5,000 nodes of 2,500 weights, and some seconds an update. But the outputs share no
# weights, as we saw. So it is enough to *record* one output unit, and to replay it for all 2,500
# rows of weights. The result is the same:

# %%
same = photographs.run(n=20, updates=12, way="unit")
print(f"eager    rmse {album.training.end.rmse:.9f}")
print(f"replayed rmse {same.training.end.rmse:.9f}")

# %% [markdown]
# **Try it:** set `updates=1`, `3` and `50`. Is more always better? Compare `rmse` with the noise
# that happens to resemble a photograph: `album.training.end.shares`.

# %% [markdown]
# ## Who is to blame?
#
# So far every weight led straight to an output. Now put layers in between. The network answers
# wrongly: whose fault is it? Each weight's share is $\partial E / \partial w$, by how much the
# error would change if this weight alone did. That is the whole of credit assignment.

# %%
from scalargrad.examples.stone import backprop_network, credit_assignment, fitting, local_minima

blame = credit_assignment.run()
blame_pictures = credit_assignment.figures(blame)
blame_pictures["blame"]

# %% [markdown]
# A thick line has much of the blame, a dashed one a negative derivative: more of this weight would
# have made the error *smaller*. The weights on the left are thin. Is that because they are
# innocent?

# %%
blame_pictures["shares"]

# %% [markdown]
# Not quite. A sigmoid's slope is $z (1 - z)$, never more than $1/4$, and the blame is multiplied by
# it at every hidden layer it is handed down through. Three hidden layers leave little.
#
# **Try it:** `credit_assignment.run(hidden="tanh")`. The slope of tanh goes up to 1. What happens
# to the first layer's share?
#
# ## Back-propagation by hand
#
# One hidden layer is enough to see how it goes. Forward, with $u$ for a unit's sum:
#
# $$u_j = \sum_i w_{ij} x_i \qquad z_j = \sigma(u_j) \qquad y_k = u_k = \sum_j w_{jk} z_j$$
#
# Each sum runs over one unit more than there are inputs. It is the bias unit, which is always 1,
# and its weight is learnt like any other. (On the slide it reads as though the formulas ignored it.
# The upper limit $I + 1$ says they do not.)
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
# In the engine nobody writes that down. $\delta$ is the `.grad` of the node $u$, and comes by
# itself. Here for hidden unit 1 and the first association:

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
# A weight's derivative is then the delta behind it times the state before it. For the bias the
# state is 1, so its derivative is the delta itself:

# %%
[w.grad for w in hidden_weights[0]], [u.grad * state for state in [*x, 1.0]]

# %% [markdown]
# **Try it:** change one of the two targets. Which of the three hidden deltas change?
#
# ## A slip worth making
#
# The slides give the change of a weight for one association,
# $\Delta w_t = -\epsilon \, \partial E_t / \partial w$, and then, for all of them,
# $\Delta w = -\epsilon \sum_t \Delta w_t$. Minus times minus is plus. Taken at its word, this makes
# the network learn to be wrong:

# %%
net_pictures["steps"]

# %%
right, printed = net.errors[1], net.errors_as_printed[1]
print(f"E at the start {net.errors[0]:.5f}, one right step {right:.5f}, as printed {printed:.5f}")

# %% [markdown]
# The right one is $\Delta w = \sum_t \Delta w_t$: the minus sign and the rate are in it already.
# There are smaller slips too. Equation 48 has lost the index $k$ of $y_{kt} - \tau_{kt}$. Equation
# 44 is named where the rule for the output weights, 42, is meant. And a loop over associations runs
# to $N$, which should be $T$. A program cannot be read so kindly: it has to be right, or the error
# climbs.
#
# **Try it:** `w1, w2 = backprop_network.printed_step(lr=0.0001)`, then
# `backprop_network.short_version(w1, w2, passes=0)[0]`. With a small rate the slip hardly shows.
# Would you have found it?
#
# ## What a hidden layer can do
#
# The answer to exclusive or is 1 if exactly one of the inputs is 1. No straight line has both ones
# on its one side and both zeros on the other. So a linear unit answers 1/2 to everything, which is
# the least wrong that it can be, and a perceptron corrects itself for ever. With three hidden units
# it is easy.

# %%
net_pictures["xor"]

# %%
print("linear unit", [round(y, 3) for y in net.xor.unit])
print("network    ", [round(abs(y), 3) for y in net.xor.network])
print("perceptron: ", net.xor.corrections, "corrections, and done:", net.xor.converged)

# %% [markdown]
# **Try it:** `backprop_network.learn_xor(hidden=1).network`. And with `hidden=2`, for the seeds 0
# to 5? One of them has two answers wrong after 800 epochs. It lies on ground that is almost flat,
# and gets off it if it has `epochs=3000`. The next section is about places that nobody gets off.
#
# ## How it fails: local minima
#
# Descent goes downhill, and nothing else. A parabola has one lowest place, so nothing can go wrong.
# With a sigmoid it can. Take a single unit $y = \sigma(w x)$ that should answer 0.1 to 10 and 0.9
# to 1. It cannot do both, and there are two compromises:

# %%
minima = local_minima.run()
minima_pictures = local_minima.figures(minima)
minima_pictures["section"]

# %% [markdown]
# The balls from 0.4 and 0.6 start next to each other. One ends where $E = 0.099$, the other where
# $E = 0.405$, and no number of further steps will change that.
#
# Where else is it flat? Newton's method goes to wherever the slope is zero, be it up or down. From
# twelve starts between -1 and 4 it finds three places. The second derivatives tell what they are:

# %%
for point in minima.points:
    bend = point.curvatures[0]
    print(f"w = {point.w[0]:+.5f}   E = {point.E:.5f}   curvature {bend:+.4f}   {point.kind}")

# %% [markdown]
# With a second input that asks for the same, the error is a surface: a sum of two such curves, one
# for each weight. So every pair of flat places is one of the surface: four minima, a maximum, and
# four saddles, which go up in one direction and down in another.

# %%
minima_pictures["surface"]

# %%
minima_pictures["above"]

# %%
kinds = [point.kind for point in minima.points2]
{kind: kinds.count(kind) for kind in ("minimum", "saddle", "maximum")}

# %% [markdown]
# Four balls from about the same place, four different ends.
#
# **Try it:** `local_minima.roll([0.4], lr=1.0).path[-5:]`. The deep valley is so narrow that
# steps of this size jump from one side to the other. The shallow valley still catches its balls:
# `local_minima.roll([0.6], lr=1.0)`. Does a large rate prefer the better minimum, or the wider
# one?
#
# ## How it fails: too much fits too well
#
# Ten noisy points, and polynomials to go through them. One of degree 1 is too stiff. One of degree
# 9 has ten weights for ten points, and goes through all of them.

# %%
fit = fitting.run()
fit_pictures = fitting.figures(fit)
fit_pictures["fits"]

# %% [markdown]
# $R^2$ is the proportion of the variance that a fit explains, 1 for all of it. By the red dots
# alone, the wildest curve is the best. The crosses were never fitted to, and there it does worse
# than a constant, whose $R^2$ is 0:

# %%
for degree, one in fit.fits.items():
    print(f"degree {degree}: R² {abs(one.r2):.3f}, on the crosses {one.r2_validation:6.3f}")

# %% [markdown]
# `scalargrad.metrics.r2_score` takes Values too. So you can ask which of the outputs would improve
# the fit most:

# %%
from scalargrad.metrics import r2_score

outputs = [Value(fit.fits[1](x)) for x in fitting.X]
r2_score(fitting.Y, outputs).backward()
[round(y.grad, 2) for y in outputs]

# %% [markdown]
# **Try it:** `fitting.least_squares(degree).r2_validation` for 6, 7 and 8. Degree 8 is not bad at
# all. What can 9 do that 8 cannot? (And with nine crosses, luck has a hand in it too.)
#
# ## Stop early
#
# A supple network need not be fitted to the end. While it learns, watch the error on the validation
# data. It falls, because what is learnt first is what the points have in common. Then it rises:
# what is left to learn is noise.

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
# "Stop when the error no longer falls" is `patience=1`. Here it would have stopped at 42 with the
# same weights. But it takes a single wobble of the error for the end: at a rate of 0.15 it stops
# before the lowest place.
#
# **Try it:** `[fitting.descend(3000, patience, lr=0.15).best for patience in (1, 2, 3)]`.
#
# ## Or hold the weights back
#
# The other way is regularisation. Add $\frac{\lambda}{2} \sum w^2$ to the error, and large weights
# have to be worth their price. For the optimiser that is `weight_decay=λ`.

# %%
fit_pictures["weight_decay"]

# %%
{decay: round(one.r2_validation, 3) for decay, one in fit.decayed.items()}

# %% [markdown]
# With $\lambda = 0.03$ the polynomial of degree 9 does on the crosses about what the cubic does,
# without anybody having said "cubic". With $\lambda = 10$ it is too flat. So one number had to be
# chosen again: in place of the degree, or of the moment to stop. The validation data chose it, and
# that is what they are for.
#
# **Try it:** both at once: `course = fitting.descend(decay=0.03)`. How far does
# `course.validation` rise after update `course.best`, and how far did it without decay?
