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
# # Scalars at work
#
# Networks are not the only programs that want derivatives. Whoever has a formula with a few
# unknowns wants to fit it, invert it, or know how sure its result is. This notebook takes six such
# formulas. In each the work is one function of numbers; the derivatives come by themselves.
#
# It needs the extra `solve`, which is SciPy.

# %%
import scalargrad as sg
from scalargrad.examples.work import (
    double_pendulum,
    instrument_budget,
    inverse_kinematics,
    nonlinear_regression,
    option_greeks,
    spaced_repetition,
)

# %% [markdown]
# ## How long is a block of steel?
#
# Its length comes from a standard, a comparator and two thermometers. Each is known to some
# uncertainty. Which one matters? The formula is that of the GUM, the guide of the metrologists:
#
# $$l = l_S + d - l_S\,(\delta\alpha\,\theta + \alpha_S\,\delta\theta)$$

# %%
gauge = sg.propagate(instrument_budget.build, instrument_budget.END_GAUGE, draws=0)
gauge

# %% [markdown]
# Look at the rows with the sensitivity 0. The expansion `alpha_S` is multiplied by `delta_theta`,
# whose best value is 0: so a wrong expansion does nothing, to first order. Second derivatives see
# more, and the guide prints the same two numbers:

# %%
round(1e6 * gauge.std, 1), round(1e6 * gauge.second_order.std, 1)  # nanometres

# %%
budgets = instrument_budget.run()
instrument_budget.figures(budgets)["budget"]

# %% [markdown]
# **Try it:** halve the uncertainty of `delta_theta` in a copy of `END_GAUGE`. Then, instead, halve
# those of all three rows that begin with `d_`. Which would you pay for?

# %% [markdown]
# ## What moves the price of an option?
#
# Black and Scholes give the price of a call in five lines. Its derivatives have Greek names. There
# are 34 up to the third order, and books print their formulas. Here nobody wrote one:

# %%
price, point = option_greeks.build, option_greeks.POINT
delta, gamma = sg.grad(price), sg.grad(sg.grad(price))
price(*point), delta(*point), gamma(*point)

# %%
options = option_greeks.run(paths=5_000)
print(option_greeks.report(options))

# %%
option_greeks.figures(options)["greeks"]

# %% [markdown]
# The volatility is not quoted, prices are. `implied_volatility` solves for it with `sg.solve.root`.
# What is the slope of a solution? By the implicit function theorem, the inverse of vega:

# %%
quoted = price(*point)
sg.grad(option_greeks.implied_volatility)(quoted), 1.0 / sg.grad(price, 1)(*point)

# %% [markdown]
# ## Fits that can be trusted to ten digits
#
# NIST publishes regressions that are hard, with the digits that a right program must find. One is a
# rational function with a local minimum at infinity, from a start that is hundreds of times too
# large:

# %%
problem = nonlinear_regression.build("MGH09")
fit = sg.solve.least_squares(problem.residual, list(problem.starts[0]), problem.data)
print(fit.report())

# %%
print(nonlinear_regression.report(nonlinear_regression.run()))

# %% [markdown]
# ## When will you have forgotten this?
#
# A flash card has a stability $S$ and a difficulty $D$, which each review changes. Here is one step
# of one card, in plain numbers:

# %%
model = spaced_repetition.TRUE
R = spaced_repetition.recall(8.0, 5.0, model)  # after 8 days, if 5 would leave it at 0.9
R, spaced_repetition.review(5.0, 0.0, R, spaced_repetition.GOOD, model)

# %% [markdown]
# And here is the fit of all 21 parameters to thousands of reviews. The function of one card is
# recorded once and replayed on all; the standard errors come from the exact Hessian. Do they hold?
# The data were generated, so that we can look:

# %%
memory = spaced_repetition.run(cards=1000)
pictures = spaced_repetition.figures(memory)
pictures["parameters"]

# %%
pictures["card"]

# %% [markdown]
# **Try it:** `spaced_repetition.run(cards=4000)` has four times the reviews. By how much do the
# standard errors shrink, `memory.fit.standard_errors`?

# %% [markdown]
# ## A pendulum from its Lagrangian
#
# Kinetic less potential energy, $L(q, v)$, is all that the program of the double pendulum states.
# The momenta are slopes of it; so are the forces:

# %%
q, v = [0.7, -1.9], [1.3, -2.1]
double_pendulum.build(q, v), double_pendulum.momenta(q, v)

# %%
pendulums = double_pendulum.run(seconds=20.0)
print(double_pendulum.report(pendulums))

# %%
films = double_pendulum.figures(pendulums)
films["film"]

# %% [markdown]
# Six pendulums that start a thousandth of a degree apart are one pendulum for five seconds. Is that
# the fault of the method? Its energy says no:

# %%
films["energy"]

# %% [markdown]
# ## An arm that draws
#
# Where the hand is, is one line of sines and cosines. Where the joints must be for the hand to be
# *there*, is a root; of all postures, the one that moves least:

# %%
target = (1.5, 0.5)
angles = inverse_kinematics.posture(inverse_kinematics.REST, target)
angles, inverse_kinematics.build(angles)

# %%
drawn = inverse_kinematics.run()
inverse_kinematics.figures(drawn)["film"]

# %% [markdown]
# The same function answers how fast each joint turns for a speed of the hand, by its Jacobian, and
# how exact the pen is if the joints are exact to a tenth of a degree, by `sg.propagate`:

# %%
print(inverse_kinematics.report(drawn))

# %% [markdown]
# **Try it:** take away a bar from `BARS` and an angle from `REST`, and draw again. Which of the
# points of the heart are out of reach?

# %% [markdown]
# ## What they have in common
#
# Each of the six states its formula once, for numbers, with loops and choices where it wants them.
# Fits, roots, budgets, Greeks and motions are derivatives of it. Here is the graph of one of them,
# small enough to look at: the posture of an arm, and what the last angle depends on.

# %%
x, y = sg.Value(1.5, "x"), sg.Value(0.5, "y")
sg.draw(inverse_kinematics.posture(inverse_kinematics.REST, (x, y))[3])
