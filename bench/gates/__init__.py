"""The gate: does this change make models worse or the program slower? Noise must not decide.

``plugin`` measures inside pytest, ``session`` runs pytest, ``judge`` compares, ``gate`` is the
whole flow. Knows the suite's public functions only, so that it can measure another commit of it.
"""
