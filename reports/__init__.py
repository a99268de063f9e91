"""From a ledger to the paper's table: `reports.build.write` makes files, `reports.build.text` a terminal's table."""
