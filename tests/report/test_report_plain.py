"""The board in words: every fact a line, the most urgent first, and what changed as news."""

from __future__ import annotations

from consoles import HOSTILE, board, gpu, incident, model, source

from console.report.plain import facts, news, summary


def texts(**changes: object) -> list[str]:
    return [fact.text for fact in facts(board(**changes))]


def test_what_is_wrong_is_said_first() -> None:
    said = texts(troubles=["the disk is full"])
    assert said[0] == "trouble: the disk is full"
    assert said[1].startswith("incident I-3 about glove, open since 2026-05-28T20:20:00Z: ")
    assert said[1].endswith("likely cause: The world changed; the model answers as it always did (99 %)")


def test_every_row_of_the_board_is_one_line() -> None:
    said = texts()
    for start in (
        "model glove:",
        "GPU n1/7 H100",
        "latency of glove",
        "drift of glove:",
        "source old (metrics): unreach",
    ):
        assert sum(line.startswith(start) for line in said) == 1, start
    assert all("\n" not in line for line in said)


def test_numbers_are_said_with_their_units() -> None:
    line = next(line for line in texts() if line.startswith("GPU n1/0"))
    assert line == (
        "GPU n1/0 H100 80GB HBM3: ok; use 90 %, memory 60 GiB of 80 GiB, temperature 61 degrees C, power 512 W"
    )


def test_nothing_of_a_stranger_s_text_moves_the_terminal() -> None:
    said = texts(models=[model(name) for name in HOSTILE], incidents=[incident("I-1", title=text) for text in HOSTILE])
    assert not any("\x1b" in line or "\x9b" in line or "\u202e" in line for line in said)


def test_an_empty_board_says_what_to_type() -> None:
    assert [fact.text for fact in facts({"hints": ["andon demo"]})] == ["andon demo"]
    assert summary({}) == "andon at no time: 0 incidents, 0 models, 0 GPUs, 0 sources"


def test_news_are_states_not_numbers() -> None:
    before = board()
    moved = board(gpus=[gpu(n, age=9.0, values={"gpu.utilization": 0.1}) for n in range(8)])
    assert list(news(before, moved)) == []
    after = board(
        models=[model("chat"), model("glove", latency="ok")],
        sources=[source("line", state="denied", reason="401"), *before["sources"][1:]],
        incidents=[],
    )
    assert sorted(line.split(":")[0] for line in news(before, after)) == ["changed", "changed", "gone"]


def test_one_of_a_kind_and_a_gpu_that_says_nothing_are_worded_so() -> None:
    lost = gpu(5, name="", state="degraded", reason="it does not answer", values={})
    assert summary({"gpus": [lost]}).endswith("0 models, 1 GPU, 0 sources")
    assert [fact.text for fact in facts({"gpus": [lost]})] == ["GPU n1/5: degraded, it does not answer"]
