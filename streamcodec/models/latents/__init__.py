"""Latents: densities, hyperpriors, context models."""
