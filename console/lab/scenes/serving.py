"""Scenes of a language model: three replicas behind a gateway, three tenants, and what slows them down."""

from __future__ import annotations

from typing import Any

from console.lab.scenes.scene import Scene, scene

MODEL = "chat"
REPLICAS = ("chat-0", "chat-1", "chat-2")
TENANTS = ("search", "support", "coder")
DAY = 86400.0
ONSET = 480.0  # seconds ago
EVERY = (
    "ttft_regression", "queue_saturation", "kv_cache_exhaustion", "inter_token_latency", "prefix_cache_collapse",
    "prompt_length_shift", "speculation_regression", "cold_start", "autoscaler_stuck", "noisy_neighbour",
    "canary_regression", "latency_regression",
)  # fmt: skip
TIMES = {  # seconds (median), how they spread
    "model.latency": (2.8, 0.5),
    "model.inference.duration": (2.6, 0.5),
    "model.ttft": (0.25, 0.45),
    "model.queue.duration": (0.02, 0.6),
    "model.prefill.duration": (0.18, 0.4),
    "model.itl": (0.022, 0.25),
    "model.tpot": (0.024, 0.2),
}
LENGTHS = {"model.prompt.length": (420.0, 0.7), "model.generation.length": (110.0, 0.6)}
LEVELS = {"model.queue.depth": (0.4, 0.5), "model.requests.running": (7.0, 0.12), "model.kv.usage": (0.52, 0.06)}
COUNTS = {
    "model.requests": 2.0,
    "model.tokens.generation": 240.0,
    "model.prefix.queries": 900.0,
    "model.prefix.hits": 500.0,
    "model.speculation.draft": 300.0,
    "model.speculation.accepted": 210.0,
}


def replica(made: Scene, name: str, lacks: tuple[str, ...] = (), **labels: Any) -> Scene:
    """One replica, well: what an exporter of a model server tells of it."""
    at: Any = {"model": MODEL, "replica": name} | labels
    for signal, (median, sigma) in (TIMES | LENGTHS).items():
        if signal not in lacks:
            often = 200.0 if signal == "model.itl" else 2.0
            made.histogram(signal, median, sigma=sigma, per_second=often, season=0.25, **at)
    for signal, (level, noise) in LEVELS.items():
        made.gauge(signal, level, noise=noise, season=0.1, **at)
    for signal, rate in COUNTS.items():
        if signal not in lacks:
            made.counter(signal, rate, season=0.25, **at)
    for tenant in TENANTS:
        made.counter("model.tokens.prompt", 300, season=0.25, tenant=tenant, **at)
    made.counter("model.errors", 0.002, **at)
    made.counter("model.preemptions", 0, **at)
    made.gauge("model.up", 1, noise=0, **at)
    made.gauge("model.load.duration", 48, noise=0, **at)
    return made.gauge("model.info", 1, noise=0, num_gpu_blocks="9216", **at)


def chat(seed: int, lacks: tuple[str, ...] = ()) -> Scene:
    """All of it, well: with a daily swing, releases of others, and a setting changed elsewhere just before."""
    made = Scene(seed)
    for name in REPLICAS:
        replica(made, name, lacks)
    made.counter("model.cpu.wait", 0.02, model=MODEL)
    made.event(ONSET + 700, "deploy", "checkout", "checkout 5.1")
    made.event(ONSET + 200, "flag", "billing", "new invoices for all")
    return made.log(2 * DAY, "gateway", "info", "answered request {n}", every=20)


def cluster(made: Scene, *, wanted: int = 3, most: int = 6) -> Scene:
    """What the orchestrator tells of it."""
    at: Any = {"namespace": "serving", "workload": MODEL}
    for signal in ("workload.replicas.desired", "workload.replicas.ready"):
        made.gauge(signal, wanted, noise=0, **at)
    made.gauge("workload.replicas.unavailable", 0, noise=0, **at)
    made.gauge("workload.replicas.max", most, noise=0, **at)
    made.counter("workload.restarts", 0, **at)
    for host in ("node-a", "node-b"):
        made.gauge("host.gpus.allocatable", 8, noise=0, host=host)
        made.gauge("host.gpus.requested", 6, noise=0, host=host)
    return made


def more(made: Scene, times: float, ago: float = ONSET) -> Scene:
    """It is asked so many times as often."""
    for signal in COUNTS:
        made.change(signal, ago, times=times)
    for signal in TIMES | LENGTHS:
        made.change(signal, ago, rate=times)
    return made.change("model.tokens.prompt", ago, times=times)


def waiting(made: Scene, depth: float, times: float, ago: float = ONSET) -> Scene:
    """Requests wait: so many at each replica, and for so many times as long as a first token took."""
    made.change("model.queue.depth", ago, to=depth, over=90.0)
    made.change("model.queue.duration", ago, times=times * 10, over=90.0)
    made.change("model.ttft", ago, times=times, over=90.0)
    return made.change("model.latency", ago, times=1 + (times - 1) * 0.2, over=90.0)


def full(made: Scene, ago: float = ONSET) -> Scene:
    """The KV cache is full, and requests are put back."""
    made.change("model.kv.usage", ago, to=0.985, over=60.0)
    for name in REPLICAS:
        made.change("model.preemptions", ago, to=0.25, replica=name)
    return made


def pace(made: Scene, times: float, **labels: Any) -> Scene:
    """Each token takes so many times as long."""
    for signal in ("model.itl", "model.tpot", "model.inference.duration", "model.latency"):
        made.change(signal, ONSET, times=times, **labels)
    return made


@scene("serving-healthy", playbooks=EVERY, model=MODEL)
def healthy(seed: int) -> Scene:
    """Nothing is wrong: releases of others, and the swing of the day."""
    return cluster(chat(seed))


@scene("serving-short-burst", playbooks=EVERY, model=MODEL)
def short_burst(seed: int) -> Scene:
    """A minute of many requests that is over and worked off."""
    made = cluster(chat(seed))
    for signal, times in (("model.queue.depth", 6.0), ("model.queue.duration", 4.0), ("model.ttft", 1.8)):
        made.change(signal, 420, until=360, times=times)
    return made.change("model.requests", 420, until=360, times=2.0)


@scene("serving-load", playbooks=(*EVERY[:4], "cold_start", "noisy_neighbour", "latency_regression"), model=MODEL)
def load(seed: int) -> Scene:
    """Twice as many requests of all tenants, and nothing to answer them with."""
    made = full(waiting(more(cluster(chat(seed), most=3), 2.0), 14, 5.0))
    return pace(made, 1.4)


@scene("serving-prompts", playbooks=(*EVERY[:4], "prefix_cache_collapse", "prompt_length_shift"), model=MODEL)
def prompts(seed: int) -> Scene:
    """Every prompt carries more context since a release of the shop: it fills the KV cache."""
    made = waiting(full(chat(seed)), 6, 3.0)
    made.change("model.prompt.length", ONSET, times=2.4).change("model.tokens.prompt", ONSET, times=2.4)
    made.change("model.prefix.queries", ONSET, times=2.4).change("model.prefill.duration", ONSET, times=2.1)
    made.change("model.itl", ONSET, times=1.35).change("model.tpot", ONSET, times=1.35)
    return made.event(ONSET + 30, "deploy", "assistant-ui", "assistant-ui 14")


@scene("serving-answers", playbooks=(*EVERY[1:3], "noisy_neighbour"), model=MODEL)
def answers(seed: int) -> Scene:
    """Answers are three times as long: requests stay, and the KV cache fills."""
    made = waiting(full(chat(seed)), 7, 2.5)
    for signal in ("model.generation.length", "model.tokens.generation", "model.latency", "model.inference.duration"):
        made.change(signal, ONSET, times=2.8)
    return made.change("model.requests.running", ONSET, times=2.2, over=60.0)


@scene("serving-kv-small", playbooks=EVERY[2:3], model=MODEL)
def kv_small(seed: int) -> Scene:
    """A little more of everything, none of it remarkable, and the KV cache is full."""
    return waiting(full(more(chat(seed), 1.08)), 3, 2.0)


@scene("serving-kv-cut", playbooks=EVERY[:3], model=MODEL)
def kv_cut(seed: int) -> Scene:
    """A setting gave the KV cache less room."""
    made = waiting(full(chat(seed)), 8, 4.0)
    return made.event(ONSET + 20, "config", MODEL, "gpu_memory_utilization 0.70")


@scene("serving-kv-blocks", playbooks=EVERY[2:3], model=MODEL)
def kv_blocks(seed: int) -> Scene:
    """It began anew with fewer blocks, and nobody wrote down why."""
    made = waiting(full(chat(seed)), 8, 4.0).vanishes("model.info", ONSET + 30)
    for name in REPLICAS:
        made.gauge("model.info", 1, noise=0, model=MODEL, replica=name, num_gpu_blocks="4096")
        made.appears("model.info", ONSET + 30, replica=name, num_gpu_blocks="4096")
    return made


@scene("serving-prefix", playbooks=("ttft_regression", "prefix_cache_collapse"), model=MODEL)
def prefix(seed: int) -> Scene:
    """The gateway puts the time of day before every prompt, so that no two begin alike."""
    made = waiting(chat(seed), 2, 2.0).change("model.prefix.hits", ONSET, times=0.05)
    made.change("model.prefill.duration", ONSET, times=2.3)
    return made.event(ONSET + 40, "deploy", "chat-gateway", "chat-gateway 22")


@scene("serving-restarts", playbooks=(*EVERY[:2], "prefix_cache_collapse", "cold_start"), model=MODEL)
def restarts(seed: int) -> Scene:
    """A replica is restarted again and again; each time it loads its model for minutes."""
    made = waiting(cluster(chat(seed)), 6, 3.5).change("model.prefix.hits", ONSET, times=0.5)
    for began in (480.0, 300.0, 130.0):
        made.change("model.up", began, until=began - 90, to=0.0, replica="chat-1")
        made.event(began, "restart", "chat-1", "chat-1 was restarted")
    made.change("model.load.duration", ONSET, times=2.6, replica="chat-1")
    return made.change("model.prefill.duration", ONSET, times=1.5)


@scene("serving-tenant", playbooks=(*EVERY[:2], "prompt_length_shift", "noisy_neighbour"), model=MODEL)
def tenant(seed: int) -> Scene:
    """One tenant sends whole documents; the others wait."""
    made = waiting(chat(seed), 7, 3.5).change("model.tokens.prompt", ONSET, times=5.0, tenant="search")
    made.change("model.prompt.length", ONSET, times=1.8).change("model.requests", ONSET, times=1.3)
    made.change("model.prefill.duration", ONSET, times=1.7)
    return made.change("model.latency", ONSET, times=1.5)


@scene("serving-decode", playbooks=(*EVERY[:2], "inter_token_latency", "speculation_regression", "canary_regression",
                                    "latency_regression"), model=MODEL)  # fmt: skip
def decode(seed: int) -> Scene:
    """Another attention kernel, by a setting: every step takes longer."""
    made = pace(waiting(chat(seed), 3, 1.9), 1.7)
    return made.event(ONSET + 15, "config", MODEL, "attention_backend")


@scene("serving-draft", playbooks=("inter_token_latency", "speculation_regression"), model=MODEL)
def draft(seed: int) -> Scene:
    """The draft was released anew and no longer fits the model."""
    made = pace(chat(seed), 1.55).change("model.speculation.accepted", ONSET, times=0.35)
    return made.event(ONSET + 25, "deploy", "chat-draft", "chat-draft 4")


@scene("serving-draft-sglang", playbooks=("speculation_regression",), model=MODEL)
def draft_by_gauge(seed: int) -> Scene:
    """The same of a server that tells only the share of right guesses, and neither prefill nor inference apart."""
    lacks = ("model.speculation.draft", "model.speculation.accepted", "model.prefill.duration",
             "model.inference.duration")  # fmt: skip
    made = chat(seed, lacks)
    for name in REPLICAS:
        made.gauge("model.speculation.acceptance", 0.71, model=MODEL, replica=name)
    for signal in ("model.itl", "model.tpot", "model.latency"):
        made.change(signal, ONSET, times=1.5)
    return made.change("model.speculation.acceptance", ONSET, to=0.24)


@scene("serving-stuck", playbooks=("autoscaler_stuck", "queue_saturation"), model=MODEL)
def stuck(seed: int) -> Scene:
    """Twice as much is asked, six replicas are allowed, and three they stay."""
    return waiting(more(cluster(chat(seed)), 2.0), 15, 5.0)


@scene("serving-no-room", playbooks=("autoscaler_stuck", "cold_start"), model=MODEL)
def no_room(seed: int) -> Scene:
    """More replicas are wanted than there are GPUs for."""
    made = waiting(more(cluster(chat(seed)), 1.6), 9, 3.0)
    made.change("workload.replicas.desired", 400, to=5).change("workload.replicas.unavailable", 400, to=2)
    made.gauge("workload.pods.pending", 2, noise=0, namespace="serving", workload=MODEL)
    made.appears("workload.pods.pending", 400).change("host.gpus.requested", 400, to=8)
    return made.event(390, "unschedulable", MODEL, "0/2 nodes are available: 2 Insufficient nvidia.com/gpu")


@scene("serving-at-limit", playbooks=("autoscaler_stuck",), model=MODEL)
def at_limit(seed: int) -> Scene:
    """It grew to what is allowed, and that is too little."""
    made = waiting(more(cluster(chat(seed)), 2.4), 11, 4.0)
    return made.change("workload.replicas.desired", 420, to=6).change("workload.replicas.ready", 300, to=6)


def canary(seed: int) -> Scene:
    """A canary takes a part of the requests since the onset."""
    made = Scene(seed)
    for name in REPLICAS[:2]:
        replica(made, name, track="stable", version="7")
    replica(made, "chat-2", track="canary", version="8")
    signals: tuple[str, ...] = (
        *TIMES, *LENGTHS, *LEVELS, *COUNTS,
        "model.tokens.prompt", "model.errors", "model.preemptions", "model.up", "model.load.duration", "model.info",
    )  # fmt: skip
    for signal in signals:
        made.appears(signal, ONSET, track="canary")
    made.event(3000, "deploy", "checkout", "checkout 5.1")
    return made.event(ONSET + 10, "deploy", MODEL, "chat 8, as a canary")


@scene("serving-canary-fails", playbooks=("canary_regression",), model=MODEL)
def canary_fails(seed: int) -> Scene:
    """A fifth of the canary's requests fail."""
    return canary(seed).change("model.errors", ONSET, to=0.4, track="canary")


@scene("serving-canary-slow", playbooks=("canary_regression", "inter_token_latency"), model=MODEL)
def canary_slow(seed: int) -> Scene:
    """The canary takes twice as long for each token."""
    return pace(canary(seed), 2.4, track="canary")


@scene("serving-canary-well", playbooks=("canary_regression", "inter_token_latency"), model=MODEL)
def canary_well(seed: int) -> Scene:
    """A canary that does as well as the stable ones."""
    return canary(seed)


@scene("serving-cores", playbooks=("noisy_neighbour", "latency_regression"), model=MODEL)
def cores(seed: int) -> Scene:
    """A backup on the host takes the cores of the model's own process."""
    made = chat(seed).change("model.cpu.wait", ONSET, times=40.0)
    made.change("model.latency", ONSET, times=1.9).change("model.inference.duration", ONSET, times=1.8)
    made.gauge("host.cpu.utilization", 0.45, season=0.2, host="node-a")
    return made.change("host.cpu.utilization", ONSET, to=0.97)


@scene("serving-young", playbooks=("kv_cache_exhaustion",), model=MODEL)
def young(seed: int) -> Scene:
    """The KV cache is full, and nothing is known of the days before."""
    made = full(chat(seed), ago=1500)
    for signal in (*TIMES, *LENGTHS, *LEVELS, *COUNTS, "model.tokens.prompt"):
        made.appears(signal, 1400)
    return made.appears("model.preemptions", 1400)
