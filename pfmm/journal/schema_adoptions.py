"""The table of what runs adopted: the fifth schema of a journal. Text only.

Its rows are folded within the transaction that writes them, so that an older pfmm that holds the file open never meets
an entry that it does not know. Layer: journal.
"""

from __future__ import annotations

ADOPTIONS: tuple[str, ...] = (
    # giver NULL: held before any fill that is known
    """CREATE TABLE adoptions (entry INTEGER NOT NULL, market TEXT NOT NULL, giver TEXT, taker TEXT NOT NULL,
        size TEXT NOT NULL, price TEXT NOT NULL, time_ms INTEGER NOT NULL)""",
    "CREATE INDEX adoptions_on ON adoptions (market, entry)",
)

# a file of the fourth schema, read by one that may not migrate it: nothing was adopted yet
NO_ADOPTIONS_YET: tuple[str, ...] = (
    "CREATE TEMP VIEW adoptions AS SELECT 0 AS entry, '' AS market, '' AS giver, '' AS taker, '0' AS size, "
    "'0' AS price, 0 AS time_ms WHERE 0",
)
