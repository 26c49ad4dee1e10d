"""The screens, one module each; sheet.py is what they have in common."""
