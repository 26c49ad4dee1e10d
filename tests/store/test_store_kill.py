"""The daemon may die at any instant. What the store acknowledged before that is there afterwards."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from console.store.store import Store

KILLS = 20

WRITE = """
import sys
from pathlib import Path
from console.model import Event, Kind, Labels, Reading, SeriesKey, Span, Symptom
from console.store.pins import Pin
from console.store.store import Store

requests = SeriesKey("model.requests", Labels.of(model="glove"), Kind.COUNTER)
latency = SeriesKey("model.latency", Labels.of(model="glove"), Kind.HISTOGRAM, (0.1, float("inf")))
store = Store.open(Path(sys.argv[1]))
first = int(sys.argv[2])
for n in range(first, first + 1_000_000):
    now = 1_800_000_000.0 + n
    store.add([Reading(requests, now, float(n)), Reading(latency, now, float(n), (float(n), 2.0 * n))], now)
    store.commit()
    print("samples", n, flush=True)
    if n % 7 == 0:
        incident, _ = store.incidents.open(Symptom(f"slow {n}"), title="slow", subject=f"model-{n}", time=now)
        store.events.add([Event(now, "deploy", "glove", f"v{n}", id=str(n))])
        store.pins.pin(Pin(f"pin-{n}", (Span(now - 60, now),), now, "ann"))
        print("incident", incident.id, f"model-{n}", flush=True)
    if n % 50 == 0:
        store.compact(now)
"""


def test_killed_at_any_instant_the_store_has_all_that_it_acknowledged(path: Path) -> None:
    luck = random.Random(7)
    last, incidents = 0, {}
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, path, str(last + 1)], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        with writer:
            assert writer.stdout is not None
            # After so many words and a moment more: however slow the machine, it has said something by then.
            said = [writer.stdout.readline() for _ in range(luck.randint(1, 40))]
            time.sleep(luck.uniform(0.0, 0.005))
            writer.kill()
            said += [line for line in writer.stdout if line.endswith("\n")]
        for line in said:
            match line.split():
                case ["samples", n]:
                    last = int(n)
                case ["incident", id, subject]:
                    incidents[id] = subject
        with Store.open(path) as store:
            database = store.samples._database
            assert database.rows("PRAGMA integrity_check") == [("ok",)]
            assert database.rows("PRAGMA foreign_key_check") == []
            ((total, reached),) = database.rows(
                "SELECT (SELECT sum(sum) FROM minutes WHERE series = 1), max(value) FROM totals"
            )
            assert reached - last in (0, 1)  # one more may have been written than could be said
            assert total == reached - 1  # the increases and the last total are of one transaction
            assert {incident.id: incident.subject for incident in store.incidents.list()}.items() >= incidents.items()
            assert len(store.pins.list()) >= len(incidents)
            last = int(reached)
    assert last >= KILLS
    assert incidents
