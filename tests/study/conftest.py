from tests.study.databases import database, postgres, where

__all__ = ["database", "postgres", "where"]
