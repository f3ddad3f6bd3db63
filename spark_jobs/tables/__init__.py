"""The lake's tables, as stages write and read them: ledger, typed silver, gold, reports."""
