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
# # A study of triplets
#
# A study is a factorial of data, models and inference algorithms at a range of sizes and seeds, described in TOML. What
# follows runs a small one on scikit-learn's real 8x8 digits in seconds, through the same functions that
# `curvefit run` uses. On a machine without torch, skip to the fit: records are all it needs.

# %%
import matplotlib.pyplot as plt

import curvefit as cf
from curvefit.errors import CurvefitError
from curvefit.study import Study
from runners.runs import execute_specs, prepare_study

text = """
[study]
name = "digits"
hypothesis = "On centred digits, locality alone helps little."
replicates = 2
sizes = [16, 32, 64, 128, 256, 512]

[[data]]
name = "digits"
fold = 2
n_test = 400

[[model]]
name = "fcn"
[[model]]
name = "vec"
[[model]]
name = "gap"

[[inference]]
name = "nngp"
[[inference]]
name = "ntk"
"""
study = Study.from_text(text)
print(len(study.specs()), "runs of", len(study.triplets()), "triplets")

# %% [markdown]
# A misspelt name is refused before any work is done, with the nearest known one:

# %%
try:
    prepare_study(Study.from_text(text.replace('"vec"', '"vecc"')))
except CurvefitError as error:
    print(error)

# %% [markdown]
# ## Run
#
# Every run becomes a record that describes itself. Kernel curves for all sizes come from one factorisation.

# %%
specs, notices = prepare_study(study)
records = list(execute_specs(specs, device="cpu"))
print(len(records), "records, all ok:", all(record.status == "ok" for record in records))
print(records[0].data_facts["source"])

# %% [markdown]
# ## Fit
#
# From here on nothing knows about torch. For a first look the quick approximation will do, whose intervals are not to be
# quoted; without `method=` the posterior is sampled.

# %%
curves = cf.LearningCurves.from_records(records)
fit = cf.fit(curves, method="approximate", seed=0)
print(fit.status)
fit.summary()[["model", "inference", "exponent", "exponent_low", "exponent_high", "error_at_n_max"]]

# %%
axes = cf.plot_curves(fit, panel=("inference",))
plt.show()

# %% [markdown]
# From the shell the same is `curvefit run digits.toml --out out/digits`, which can be interrupted at any moment and
# resumed by the same line, `curvefit status out/digits`, and `curvefit report out/digits --out out/digits`.
