"""A language model that explains: it proposes what to look at next and words the result. The numbers decide."""
