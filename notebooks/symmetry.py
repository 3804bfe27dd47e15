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
# # Symmetry, dimension, synergy
#
# Rotate every image, of the training and of the test set, by one fixed element of a group. A learning algorithm whose
# symmetry group holds that element does not notice: its learning curve is unchanged. Any other one loses what it
# knew about images. The records here are simulated, with that rule built in.

# %%
from pathlib import Path

import curvefit as cf
from curvefit.dimension import (
    describe_invariance,
    effective_dimension,
    invariance_table,
    symmetry_gain,
    synergy,
)
from curvefit.plots import plot_dimension, plot_heatmap, plot_multiplier

data = Path("data/examples") if Path("data/examples").exists() else Path("../data/examples")
curves = cf.load_curves(data / "rotations.jsonl.gz")
curves.facts[["data", "model", "inference", "data_symmetry", "transform", "model_symmetry"]].head(6)

# %% [markdown]
# What analysis needs to know about symmetries travels in the records.
#
# The fit below is the quick approximation, normal around the penalised fit: enough to show what follows, but neither its
# intervals nor those of the gains made from it are to be quoted. Without `method=` the same line samples the posterior,
# which takes about a minute.

# %%
fit = cf.fit(curves, method="approximate", seed=0)
print(fit.status)
axes = plot_heatmap(fit)

# %% [markdown]
# ## Which rotations leave the curve unchanged?
#
# The verdict rests on the measured errors, paired by seed and size; theory's word stands beside it.

# %%
table = invariance_table(fit)
table.pivot_table(
    index=["model", "inference"], columns="transform", values="verdict", aggfunc="first", sort=False
)

# %%
for sentence in describe_invariance(table)[:3]:
    print(sentence)

# %%
print(table["agreement"].value_counts().to_string())

# %% [markdown]
# VEC is the interesting row: its infinite-width kernel (`ntk`) does not notice a rotation of every pixel's channels by
# another element, its finite network under SGD does. Infinite width has put a spurious symmetry into it.
#
# ## What is alignment worth?
#
# Two numbers, never merged: the *dimension gain*, in the exponent, and the *sample gain*, in the amplitude. The data
# multiplier joins them at a given error: how many times more inputs the baseline needs.

# %%
gain = symmetry_gain(fit, baseline="fcn")
for sentence in gain.sentences()[:4]:
    print(sentence)

# %%
axes = plot_multiplier(gain)

# %% [markdown]
# ## Effective dimension
#
# A link turns exponents into dimensions; `ratio`, the default, reads only ratios.

# %%
dimension = effective_dimension(fit)
axes = plot_dimension(dimension)

# %% [markdown]
# ## Synergy
#
# How much of the spread of exponents belongs to data, model and inference alone, and how much to their being put
# together?

# %%
print(synergy(fit))
