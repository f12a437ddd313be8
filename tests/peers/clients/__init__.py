"""What runs in the environments of the peers: one scenario for all of them, and one adapter a peer.

Nothing here imports what a peer's environment lacks: ``python -m tests.peers.clients.<adapter>`` from the checkout.
"""
