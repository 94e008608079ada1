"""Models whose conditionals are exact, so that every error is the decoder's own: Potts fields and mixtures of
scenes.
"""
