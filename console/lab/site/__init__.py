"""Place `site`: simulated exporters of GPUs, hosts, a cluster and the model servers on them, over real HTTP.

Their numbers are made up, and every page says so; what reads, keeps and judges them is the real thing.
"""
