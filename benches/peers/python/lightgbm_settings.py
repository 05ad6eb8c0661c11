"""LightGBM's names for the defaults of windvane's boosted trees."""

SETTINGS = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 500,
    "bagging_fraction": 0.4,
    "bagging_freq": 1,
    "feature_fraction": 0.25,
    "max_bin": 63,
    "seed": 42,
    "verbosity": -1,
}
