"""Revisions, oldest first. A file, once released, is never changed; `schema.VERSION` is the last one's number."""
