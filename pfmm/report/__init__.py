"""Reports: tables, text and a page from what accounting computes. Knows no journal, no venue and no clock."""
