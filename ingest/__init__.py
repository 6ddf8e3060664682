"""From an event to revised beliefs: checked, embedded, traced, interpreted, related, revised, spawned.

Writes through the store's protocol only; no query text and no HTTP. The one impure module is `pipeline`.
"""
