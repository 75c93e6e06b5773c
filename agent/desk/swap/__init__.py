"""Swapping the model of a desk that runs: asked for from anywhere, carried out between two bars, all of it journalled.

    asked ──► checked ──► registered ──► in the shadow for N bars ──► switched, offered ──► (back)

A `request` comes from a source (`mailbox`, `watch`, `planned`); `swaps` is the flow that carries it out; `examine` answers
whether the model fits in, aside, while the market goes on, and `usable` whether it can trade here; `ground` does what is to
be done on chain; `compare` says what the shadow was worth; `stories` reads from the journal what became of each request.
"""
