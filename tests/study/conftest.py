from tests.study.databases import database, no_syncs, nowhere, postgres, where

__all__ = ["database", "no_syncs", "nowhere", "postgres", "where"]
