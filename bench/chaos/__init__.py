"""Faults on purpose: sweeps whose processes are killed and whose stores are damaged, and what that
cost. ``python -m bench.chaos`` prints the table.
"""
