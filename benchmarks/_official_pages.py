"""A metrics page read by prometheus_client, in the environment that has it: CPU seconds each time, and what it found.

python _official_pages.py FILE ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

body = Path(sys.argv[1]).read_text()
seconds, families = [], []
for _round in range(int(sys.argv[2])):
    began = time.process_time()
    families = list(text_string_to_metric_families(body))
    seconds.append(time.process_time() - began)
samples = [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]
json.dump({"seconds": seconds, "samples": samples}, sys.stdout)
