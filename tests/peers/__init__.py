"""Clients that others wrote, against the embedded exchange on loopback: ``nox -s peers``.

A simulator that only its own connector has ever spoken to proves little; these were written for the real exchange.
"""
