"""Strategies on recorded data: the engine, the strategies and the matching core that trade, with a stepped clock."""
