"""Station two of the practice line: a small generation server, really batched, paged and cached, and a provider beside.

model.py     a tiny transformer with attention over paged keys and values, and the draft that guesses ahead for it
pages.py     the pool of KV blocks: reference counts, the prefix cache, eviction
engine.py    the scheduler: a queue, continuous batching, chunked prefill, preemption, speculative decoding
replica.py   one engine as a process that serves HTTP          provider.py   the cloud that takes the overflow
traffic.py   who asks what, shaped as published traces are     gateway.py    which replica, or the cloud; one page
place.py     all of it as a place of the line                  past.py       its weeks before

Time is charged, not measured. What a step costs follows from the work it really did (weights and pages read,
multiply-adds), at fixed rates, so that a busy machine or a lab beside measures nothing else; queueing, batching,
preemption, cache hits and accepted guesses are what really happened. An engine lives one second for every `PACE`
seconds of lab time: durations are as they are, counts per second of lab time are so many times smaller.
A token stands for about eight of a real prompt and two of a real answer.
"""
