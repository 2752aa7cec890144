"""Descriptors that run out."""
