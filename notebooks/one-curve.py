# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One curve of your own
#
# A table of test errors at several training-set sizes is all it takes. The one used here is simulated, so that its
# truth is known: exponents 0.30 (mlp) and 0.50 (cnn), floors 0.03 and 0.02.

# %%
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import curvefit as cf

data = Path("data/examples") if Path("data/examples").exists() else Path("../data/examples")
curves = cf.load_curves(data / "own-curves.csv", training_sets="independent")
print(curves)
curves.summary()

# %% [markdown]
# Every column that was guessed would be named here. Rows that cannot be used are flagged with a reason and kept:
# nothing is dropped in silence.
#
# ## Fit
#
# All curves are fitted at once by one hierarchical model: counting noise of the finite test set, noise between seeds,
# a floor, an exponent. It is sampled in seconds (the first fit on a machine compiles for a while); the status comes first and says
# whether the sampler has converged. Two curves leave long tails, so it may have been run again: then the status says why.

# %%
fit = cf.fit(curves, seed=0)
print(fit)

# %%
fit.summary()[["model", "exponent", "exponent_low", "exponent_high", "floor", "floor_low", "floor_high"]]

# %% [markdown]
# The intervals hold the truth, 0.30 and 0.50, though the middle of each is lower: floor and exponent trade off against each
# other, and a lower floor goes with a lower exponent. `fit.draws` is ArviZ `InferenceData`, and ArviZ's functions take it as it is.

# %%
axes = cf.plot_curves(fit)

# %% [markdown]
# Quantities that are stable even where the exponent is not are functions of the draws: the error at a given size, or
# how likely one curve falls faster than the other.

# %%
exponent = fit.parameter("exponent")
mlp, cnn = (fit.index(triplet) for triplet in fit.triplets)
print(f"P(cnn falls faster than mlp) = {(exponent[:, cnn] > exponent[:, mlp]).mean():.3f}")
error = fit.expected_error([4096])[:, :, 0]
print(f"error at n = 4096: mlp {error[:, mlp].mean():.3f}, cnn {error[:, cnn].mean():.3f}")

# %% [markdown]
# ## Curves of a scikit-learn estimator
#
# `measure_learning_curve` makes a curve from any estimator, with training subsets drawn afresh for every size and one
# fixed test set.

# %%
inputs, labels = load_digits(return_X_y=True)
measured = cf.measure_learning_curve(KNeighborsClassifier(3), inputs, labels, replicates=2)
measured.summary()

# %% [markdown]
# ## A report
#
# `cf.write_report(fit, "report.html")` writes one self-contained page; `curvefit report TABLE --out DIR` does the same
# from the shell, with tables and figures beside it.
