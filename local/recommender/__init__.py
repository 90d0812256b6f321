"""Recommenders for learning: closed-form sequence models in numpy and scipy, that know neither AWS nor HTTP."""

from local.recommender.dataset import Dataset, History
from local.recommender.evaluation import evaluate
from local.recommender.model import Model, load_model
from local.recommender.recipes import UnknownHyperParameterError, check_features, check_range, create_model

__all__ = [
    "Dataset",
    "History",
    "Model",
    "UnknownHyperParameterError",
    "check_features",
    "check_range",
    "create_model",
    "evaluate",
    "load_model",
]
