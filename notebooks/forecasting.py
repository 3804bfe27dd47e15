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
# # Forecasting, and what to run next
#
# A fit says what the measured curves are like. A forecast says what a curve will be where nothing was measured, which is
# another matter: the form of the law is not known out there. Here the simulated curves are cut at n = 1,024, forecast, and
# compared with what they really do at 2,048 and 4,096.

# %%
from pathlib import Path

import curvefit as cf
from curvefit.fitting import forecast, needed_size

data = Path("data/examples") if Path("data/examples").exists() else Path("../data/examples")
curves = cf.load_curves(data / "own-curves.csv")
seen = curves.drop_sizes(above=1024)
print(seen)

# %% [markdown]
# Several families are mixed. Their weights come from hold-out at rolling origins (fit small sizes, predict larger ones), not
# from how well they fit; a discrepancy grows with the distance from the data. The last measured value stands beside the
# forecast: it is the baseline to beat.

# %%
predicted = forecast(seen, [2048, 4096], seed=0)
print(predicted)

# %%
held_out = (
    curves.means()[["model", "n_train", "value"]]
    .query("n_train > 1024")
    .rename(columns={"value": "measured"})
)
compared = predicted.summary().merge(held_out, on=["model", "n_train"])
compared["inside"] = compared["measured"].between(compared["low"], compared["high"])
compared[["model", "n_train", "last_value", "median", "low", "high", "measured", "inside"]]

# %% [markdown]
# ## How much data does a target need?

# %%
print(needed_size(curves, 0.05, seed=0))

# %% [markdown]
# ## What to run next
#
# Which runs would tell most about the exponents, for their price? The design ranks triplets, sizes and numbers of seeds by how much they
# would shrink the posterior of the exponent per example (per second, where the records say how long runs took). It rests on
# a fit. To rank proposals the quick approximation will do; its standard deviations, the last two columns, come out too
# small and are not to be quoted. `cf.fit(curves)` samples, and takes longer.

# %%
fit = cf.fit(curves, method="approximate", seed=0)
print(fit.status)
proposals = cf.design(fit)
proposals[
    ["model", "n_train", "seeds", "gain", "cost", "cost_unit", "exponent_sd_now", "exponent_sd_after"]
].head(5)

# %% [markdown]
# Sizes beyond the data come first: they separate the floor from the exponent. More seeds at sizes that were measured hardly
# change the last column, however cheap they are. Two seeds tell less than twice what one does, for twice the price, so one comes
# first unless it would tell too little to be worth starting.
