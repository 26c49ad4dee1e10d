"""The tables that screens are made of: which columns each has, and what they say of a row."""
