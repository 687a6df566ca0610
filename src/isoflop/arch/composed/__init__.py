"""Models as their published configurations describe them: layers that differ, experts, latent attention."""
