"""Drivers that try to make the portal lose something: see deploy/TRUST.md.

They talk to this machine only, are bounded in number and time, kill only what they started, and draw from fixed seeds.
Each has a control, in `careless.py` or in its test, that must be found guilty. `python -m tests.faults --help` runs the
full forms; pytest runs small ones.
"""
