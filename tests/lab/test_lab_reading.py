"""What the station refuses, what it takes with a default, and how the feeder can go wrong."""

import numpy as np
import orjson
import pytest

from console.lab.reading import Refused, read_request
from console.lab.traffic import Batch, Conditions, Feed, FeederChange, request_body


def one(conditions: Conditions = Conditions()) -> tuple[Batch, dict[str, object]]:  # noqa: B008 - frozen
    rng = np.random.default_rng(3)
    feed = Feed(4, conditions)
    batch = feed.at(rng, np.array([1000.0]))
    return batch, feed.fields(rng, batch, 0)


def body(change: FeederChange | None = None, *, spoiled: bool = False) -> bytes:
    batch, fields = one(Conditions(feeder=change))
    return orjson.dumps(request_body(batch, 0, fields, id="r1", spoiled=spoiled))


def test_a_healthy_request_is_read_whole() -> None:
    seen = read_request(body())
    assert (seen.id, seen.captured) == ("r1", 1000.0)
    assert seen.picture.shape == (24, 24)
    assert set(seen.fields) == {"distance_mm", "exposure_ms", "line", "camera"}


def test_a_request_without_a_capture_time_is_not_of_the_feed() -> None:
    batch, fields = one()
    assert read_request(orjson.dumps(request_body(batch, 0, fields))).captured is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (FeederChange("distance_mm", "rename", 1.0), "unknown_input"),
        (FeederChange("exposure_ms", "text", 1.0), "bad_type"),
    ],
)
def test_a_renamed_field_and_text_are_refused_by_name(change: FeederChange, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_request(body(change))
    assert refused.value.reason == reason
    assert refused.value.seen.fields  # what came is still logged


@pytest.mark.parametrize("kind", ["multiply", "divide", "drop"])
def test_a_new_unit_or_a_field_left_out_is_not_noticed_at_the_door(kind: str) -> None:
    seen = read_request(body(FeederChange("distance_mm", kind, 1.0)))
    distance = seen.fields.get("distance_mm")
    assert distance is None if kind == "drop" else not 100 < distance < 1000


def test_a_share_of_the_requests_changes() -> None:
    rng = np.random.default_rng(3)
    feed = Feed(4, Conditions(feeder=FeederChange("distance_mm", "drop", 0.7)))
    batch = feed.at(rng, np.full(400, 1000.0))
    left_out = ["distance_mm" not in feed.fields(rng, batch, index) for index in range(400)]
    assert 0.6 < np.mean(left_out) < 0.8


def test_a_frame_cut_short_is_a_bad_shape() -> None:
    with pytest.raises(Refused, match="bad_shape"):
        read_request(body(spoiled=True))


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b'{"inputs": 3}', b'{"inputs": []}', b'{"inputs": [{"name": "image"}]}']
)
def test_garbage_is_refused_not_raised(garbage: bytes) -> None:
    with pytest.raises(Refused, match="malformed"):
        read_request(garbage)
