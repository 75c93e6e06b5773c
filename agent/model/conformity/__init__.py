"""Whether a model fits in here: a suite of checks, each one sentence with its evidence.

In the spirit of scikit-learn's ``check_estimator``: nothing is asked of a model's worth, only that its
answers can be relied on, and that none of them is owed to a bar that has not closed yet.
"""

from agent.model.conformity.result import Check, Conformity
from agent.model.conformity.subject import FeatureModel
from agent.model.conformity.suite import check_model

__all__ = ["Check", "Conformity", "FeatureModel", "check_model"]
