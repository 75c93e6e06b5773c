"""Compiling, connecting, sending and decoding: everything that touches a chain."""
