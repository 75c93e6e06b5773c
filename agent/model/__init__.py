"""Patterns, features, labels, training, and the artifact a trained model is saved as."""
