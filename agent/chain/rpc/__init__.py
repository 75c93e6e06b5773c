"""The local node: an in-memory EVM chain that answers Ethereum's JSON-RPC."""
