"""What screens are made of: all of it on the line API, repainting only what changed."""
