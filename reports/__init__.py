"""Reports of a study: `reports.build.write` writes files, `text` a table for a terminal, `frame` a data frame."""
