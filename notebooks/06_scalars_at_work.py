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
# Networks are not the only programs that need derivatives. If you have a formula with a few
# unknowns, you may want to fit it to data, solve it for an input, or know how certain its result
# is. All three need derivatives. This notebook takes six such formulas. Each is written as an
# ordinary function of numbers, and the derivatives follow from it.
#
# The notebook needs the extra `solve`, which installs SciPy.

# %%
import math

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
# Its length is measured with a standard block, a comparator and two thermometers. Each of these is
# known with some uncertainty. Which one matters most? The formula is that of the GUM, the guide to
# the expression of uncertainty in measurement:
#
# $$l = l_S + d - l_S\,(\delta\alpha\,\theta + \alpha_S\,\delta\theta)$$

# %%
gauge = sg.propagate(
    instrument_budget.build, instrument_budget.END_GAUGE, second_order=True, draws=0
)
gauge

# %% [markdown]
# In the table, the contribution of an input is $(\partial l/\partial x\; u(x))^2$: its sensitivity
# times its standard uncertainty, squared. The contributions add up to the variance of $l$.
#
# Look at the rows with sensitivity 0. The expansion `alpha_S` is multiplied by `delta_theta`, whose
# best value is 0, so to first order an error in the expansion has no effect. Second derivatives
# show that it has one. The guide prints the same two numbers, in nanometres:

# %%
round(1e6 * gauge.std, 1), round(1e6 * gauge.second_order.std, 1)

# %%
budgets = instrument_budget.run()
instrument_budget.figures(budgets)["budget"]

# %% [markdown]
# **Predict, then run:** you can pay for one improvement. Either a better thermometer halves the
# uncertainty of `delta_theta`, or a better comparator halves those of all three inputs that begin
# with `d_`. Which one makes the length more certain?


# %%
def halved(beginning):
    return {
        name: (value, std / 2 if name.startswith(beginning) else std)
        for name, (value, std) in instrument_budget.END_GAUGE.items()
    }


for beginning in ("delta_theta", "d_"):
    better = sg.propagate(instrument_budget.build, halved(beginning), draws=0)
    print(f"{beginning:<12} halved: {1e6 * better.std:.1f} nm")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The thermometer. `delta_theta` contributes 27.7 % of the variance, the three `d_` inputs together
# 9.3 %. Halving an uncertainty removes three quarters of its contribution to the variance. And as
# variances are added, a small one hardly matters: 31.7 nm become 28.2 nm in the first case, 30.6 nm
# in the second. If you can improve the standard itself (62 %), do that first.
#
# </details>
#
# ## What moves the price of an option?
#
# The formula of Black and Scholes gives the price of a call option in five lines. Its derivatives
# have Greek names. There are 34 up to the third order, and textbooks print their formulas. Here
# nobody wrote one down:

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
# **Predict, then run:** *vanna* is how much delta, $\partial C/\partial S$, changes with the
# volatility $\sigma$. How is it related to the change of vega, $\partial C/\partial\sigma$, with
# the price $S$?

# %%
vega = sg.grad(price, 1)
sg.grad(delta, 1)(*point), sg.grad(vega, 0)(*point)

# %% [markdown]
# <details><summary>Answer</summary>
#
# They are the same number: $\partial^2 C/\partial\sigma\,\partial S =
# \partial^2 C/\partial S\,\partial\sigma$. The order of differentiation does not matter for a
# smooth function. The two programs are different, and so may be the last digit.
#
# </details>
#
# Markets quote prices, and traders compare volatilities. `implied_volatility` finds the volatility
# that gives a quoted price, with `sg.solve.root`. How does the solution change with the price? By
# the implicit function theorem, its derivative is the inverse of vega:

# %%
quoted = price(*point)
sg.grad(option_greeks.implied_volatility)(quoted), 1.0 / vega(*point)

# %% [markdown]
# ## Fits that can be trusted to ten digits
#
# NIST publishes difficult regression problems together with the digits that a correct program must
# find. In one of them the model is a rational function. It has a local minimum at infinity, and the
# start is hundreds of times too large:

# %%
problem = nonlinear_regression.build("MGH09")
fit = sg.solve.least_squares(problem.residual, list(problem.starts[0]), problem.data)
print(fit.report())

# %%
print(nonlinear_regression.report(nonlinear_regression.run()))

# %% [markdown]
# Finite differences lose the last digits however tight the tolerance is, because the derivatives
# themselves have only about seven correct digits.
#
# ## When will you have forgotten this?
#
# A flash card has a stability $S$ and a difficulty $D$, and each review changes both. Here is one
# review of one card, in plain numbers. After 8 days, with a stability of 5 days, the card is
# remembered with the probability $R$. If it was, the stability grows:

# %%
model = spaced_repetition.TRUE
R = spaced_repetition.recall(8.0, 5.0, model)
R, spaced_repetition.review(5.0, 0.0, R, spaced_repetition.GOOD, model)

# %% [markdown]
# And here is the fit of all 21 parameters to thousands of reviews. The function of one card is
# recorded once and replayed for all cards. The standard errors come from the exact Hessian. Can
# they be trusted? The data were generated with known parameters, so we can check:

# %%
memory = spaced_repetition.run(cards=1000)
pictures = spaced_repetition.figures(memory)
pictures["parameters"]

# %%
pictures["card"]

# %% [markdown]
# **Try it:** `spaced_repetition.run(cards=4000)` has four times as many reviews. By how much do the
# standard errors, `memory.fit.standard_errors`, shrink?


# %%
def standard_errors(fit):
    for errors in fit.standard_errors.values():
        yield from errors if isinstance(errors, list) else [errors]


more = spaced_repetition.run(cards=4000)
pairs = zip(standard_errors(memory.fit), standard_errors(more.fit), strict=True)
ratios = sorted(few / many for few, many in pairs)
print(f"from {ratios[0]:.2f} to {ratios[-1]:.2f}, median {ratios[len(ratios) // 2]:.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# They are halved. A standard error shrinks with the square root of the number of observations, and
# $\sqrt{4} = 2$. The ratios scatter around 2, since the new reviews are not the old ones repeated.
#
# </details>
#
# ## A pendulum from its Lagrangian
#
# The program of the double pendulum states only one function: kinetic minus potential energy,
# $L(q, v)$. The momenta are derivatives of it, and so are the forces:

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
# Six pendulums start a thousandth of a degree apart. For five seconds they move like one; then each
# goes its own way. Is that an error of the method? The energy says no:

# %%
films["energy"]

# %% [markdown]
# ## An arm that draws
#
# Where the hand of an arm is follows from its angles in one line of sines and cosines. Which angles
# bring the hand to a given point? That is a root of the same equations. Many postures reach the
# point, and the arm takes the one that moves least:

# %%
target = (1.5, 0.5)
angles = inverse_kinematics.posture(inverse_kinematics.REST, target)
angles, inverse_kinematics.build(angles)

# %%
drawn = inverse_kinematics.run()
inverse_kinematics.figures(drawn)["film"]

# %% [markdown]
# The same function answers two more questions. Its Jacobian says how fast each joint must turn to
# move the hand at a given speed, and `sg.propagate` says how accurate the pen is if each joint is
# accurate to a tenth of a degree:

# %%
print(inverse_kinematics.report(drawn))

# %% [markdown]
# **Try it:** take away the last bar, then the last two. Which points of the heart are out of reach?

# %%
bars, heart = inverse_kinematics.BARS, inverse_kinematics.heart()
for count in (4, 3, 2):
    reach = sum(bars[:count])
    far = sum(math.hypot(*place) > reach for place in heart)
    print(f"{count} bars reach {reach:.1f} m: {far} of {len(heart)} points are too far away")

# %% [markdown]
# <details><summary>Answer</summary>
#
# With three bars none: the farthest point of the heart is 2.16 m away, and three bars reach 2.3 m.
# But there is less freedom. Three angles must satisfy two equations, so for each point there is one
# degree of freedom left. With two bars, 1.7 m, the upper right of the heart is out of reach, and
# `posture` raises an error there.
#
# </details>
#
# ## What they have in common
#
# Each of the six states its formula once, for numbers, with loops and conditions where it needs
# them. Fits, roots, budgets, Greeks and motions are derivatives of it. Here is the graph of one of
# them, small enough to look at: the posture of an arm, and what its last angle depends on.

# %%
x, y = sg.Value(1.5, "x"), sg.Value(0.5, "y")
sg.draw(inverse_kinematics.posture(inverse_kinematics.REST, (x, y))[3])
