"""Draw the figures of the README and of work.md with matplotlib, and their moving pictures.

Separate from make_pictures.py, since another release of matplotlib may draw them slightly
differently: no check compares them with the source.
"""

from pathlib import Path

from scalargrad.examples.catalogue import example

HERE = Path(__file__).parent
# example, figure, file
FIGURES = (
    ("two_inputs", "surface", "pictures/two_inputs.png"),
    ("network_at_work", "sequence", "pictures/network_at_work.png"),
    ("spaced_repetition", "card", "work/spaced_repetition-card.png"),
    ("spaced_repetition", "parameters", "work/spaced_repetition-parameters.png"),
    ("option_greeks", "greeks", "work/option_greeks-greeks.png"),
    ("double_pendulum", "film", "work/double_pendulum-film.svg"),
    ("double_pendulum", "energy", "work/double_pendulum-energy.png"),
    ("nonlinear_regression", "fits", "work/nonlinear_regression-fits.png"),
    ("instrument_budget", "budget", "work/instrument_budget-budget.png"),
    ("inverse_kinematics", "film", "work/inverse_kinematics-film.svg"),
)

if __name__ == "__main__":
    results = {name: example(name).run() for name in dict.fromkeys(name for name, _, _ in FIGURES)}
    for name, key, file in FIGURES:
        example(name).figures(results[name])[key].save(HERE / file)
