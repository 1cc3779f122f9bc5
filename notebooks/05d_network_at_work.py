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
# # A network at work
#
# The last of four notebooks on *Lecture 2, Error backpropagation*; it follows [Any forward
# program](05c_any_program.ipynb). All is there now: a network for $z$, an error, and its
# gradient. What does it learn, when does it stop, and what is missing?

# %%
import scalargrad as sg
from scalargrad import losses, optim
from scalargrad.examples.lecture2 import network_at_work
from scalargrad.examples.lecture2.network_at_work import T, X

# %% [markdown]
# ## A network at work
#
# The basic algorithm repeats one step, for $t = 1 \ldots T$:
#
# $$\theta \leftarrow \theta - \gamma\, \nabla E$$
#
# Two inputs, five tanh units, one output; eight points, which are not linearly separable; and the
# error of the perceptron, $\max(0, -z t)$, as the mean over the points.

# %%
work = network_at_work.run()
pictures = network_at_work.figures(work)
pictures["network"]

# %% [markdown]
# The algorithm as a program:

# %%
model, gamma = network_at_work.build(), 0.2
for iteration in range(13):
    z = [model(x) for x in X]
    E = losses.perceptron(z, T)
    wrong = sum(zk.data * t <= 0 for zk, t in zip(z, T, strict=True))
    print(f"iteration {iteration:>2}: E = {E.data:.6f}, {wrong} wrong")
    for parameter in model.parameters():
        parameter.grad = 0.0
    E.backward()
    for parameter in model.parameters():
        parameter.data -= gamma * parameter.grad

# %% [markdown]
# `sg.fit` does the same:

# %%
model = network_at_work.build()
history = sg.fit(
    model, X, T, losses.perceptron, optim.SGD(model.parameters(), lr=0.2), epochs=50
)  # fmt: skip
[round(E, 6) for E in history.losses[:13]]

# %%
pictures["sequence"]

# %% [markdown]
# After 11 iterations all points are on their correct sides, though no line could do it.
#
# **Predict, then run:** and what happens in the next thousand iterations?

# %%
outputs = [model(x) for x in X]
model.zero_grad()
losses.perceptron(outputs, T).backward()
print("gradients:", {abs(parameter.grad) for parameter in model.parameters()})
print(f"smallest z t: {min(z.data * t for z, t in zip(outputs, T, strict=True)):.4f}")
pictures["loss"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nothing. Once every $z t$ is positive, the error is 0, and so is its gradient: not nearly, but
# exactly.
#
# </details>
#
# So the boundary stays where it was when the last point slipped over it. Of 400 fresh points
# around the same corners it gets this many wrong:

# %%
work.fresh["perceptron loss"]

# %% [markdown]
# **Try it:** a smaller learning rate takes smaller steps. Train `build()` once more, with
# `lr=0.02` for 200 epochs. What is the smallest $z t$ now?
#
# <details><summary>Answer</summary>
#
# 0.004 in place of 0.014: smaller steps stop even closer to the last point.
#
# </details>

# %%
slow = network_at_work.build()
sg.fit(slow, X, T, losses.perceptron, optim.SGD(slow.parameters(), lr=0.02), epochs=200)
print(f"smallest z t: {min(slow(x).data * t for x, t in zip(X, T, strict=True)):.4f}")

# %% [markdown]
# ## A gradient is not enough
#
# What the lecture only hints at as next steps: better ways to descend (*optimisation*), and
# something that keeps the network from resting on the first solution it meets (*regularisation*).
# Three small changes:
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
# The hinge does most of it. Momentum brings the hinge's error to 0 in 19 iterations in place of
# 37; on the perceptron loss it first overshoots, but goes on after the gradient is gone, and ends
# up at a better place. On the hinge it leaves large weights, $\sum \theta^2 = 78$; with L2 it is
# 17.
#
# One more danger: a point with a wrong label. The network has enough units to bend to it in the
# end; this is *overfitting*. Watch points that it does not learn from, and keep the weights that
# did best on those: *early stopping*.

# %%
pictures["early_stopping"]

# %%
early = work.early
print(f"kept epoch {early.stopped.best_epoch}: {early.fresh_stopped} of 400 fresh points wrong")
print(f"trained to the end: {early.fresh_whole}")

# %% [markdown]
# **Try it:** train with `optim.Adam` in place of `optim.SGD`. Which of the numbers above do you
# expect to change, and which not?
#
# <details><summary>Answer</summary>
#
# All numbers of the way change: with `lr=0.05` the perceptron loss is 0 at iteration 22, the
# hinge at 34. What does not change is where it stops: at the first weights with $E = 0$. So the
# hinge again has the better boundary.
#
# </details>

# %%
for loss in (losses.perceptron, losses.hinge):
    other = network_at_work.build()
    adam = optim.Adam(other.parameters(), lr=0.05)
    course = sg.fit(other, X, T, loss, adam, epochs=200).losses
    fresh = network_at_work.wrong_of(other, *network_at_work.cloud(400, seed=0))
    print(f"{loss.__name__}: E = 0 at {course.index(0.0)}, {fresh} of 400 fresh points wrong")

# %% [markdown]
# ## Moons and spirals
#
# Eight points are few. Here are 200, twice: two moons that reach into each other, of which 20
# points have the wrong label, and two spirals. A network 2-16-16-1 with the hinge learns them,
# once without regularisation and once with L2. `sg.compile` records the error of one point and
# replays it, so that 3000 steps take a second.
#
# **Predict, then run:** which of the two networks gets more of the 200 moons right? Which gets
# more fresh points right, whose labels are all correct?

# %%
from scalargrad.examples.lecture2 import moons_and_spirals as moons

learnt = moons.run()
pictures = moons.figures(learnt)
pictures["moons"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Without regularisation 193 of the 200 are right, with it only 178: the mislabelled ones stay
# wrong. On the 1000 fresh points it is the other way round: 139 wrong without, 5 with it. This is
# *generalisation*, and it is what counts.
#
# </details>
#
# When does that happen? Play it, or move the slider (the arrow keys go from frame to frame):

# %%
pictures["moons_film"]

# %%
pictures["errors"]

# %% [markdown]
# For a long time both networks have the same boundary. The islands around the wrong labels come
# late, after some hundred steps: so early stopping would have helped, too. The spirals have no
# wrong labels, and both networks find them:

# %%
pictures["spirals"]

# %%
pictures["spirals_film"]

# %% [markdown]
# **Try it:** what does a much larger $\lambda$ do to the moons, say 0.3?
#
# <details><summary>Answer</summary>
#
# It forbids the slopes that the boundary needs: the network is nearly linear, and *underfits*.
#
# </details>

# %%
for l2 in (0.0, 0.01, 0.3):
    course = moons.train(moons.SETS["moons"], l2, epochs=1000)
    print(f"λ = {l2}: {course.wrong[-1]} of 200 wrong, {course.fresh[-1]} of 1000 fresh ones")
