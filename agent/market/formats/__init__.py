"""What a price file is made of: bytes, and the table in them, before anything is taken for a time or a price."""
