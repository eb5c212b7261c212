"""The embedded exchange: a real matching engine behind the article's HTTP API."""
