from hypothesis import given
from hypothesis import strategies as st

from console.errors import FAMILY, PRECEDENCE, AndonError, Exit, PlaybookError, worst


def test_when_several_hold_the_first_of_the_contract_wins() -> None:
    assert worst([Exit.HEALTHY, Exit.INCONCLUSIVE, Exit.UNREACHABLE]) is Exit.UNREACHABLE
    assert worst([Exit.UNREACHABLE, Exit.PROBLEM]) is Exit.PROBLEM
    assert worst([Exit.PROBLEM, Exit.REMEDY, Exit.USAGE]) is Exit.USAGE
    assert worst([Exit.INTERNAL, Exit.INTERRUPTED]) is Exit.INTERNAL


def test_nothing_wrong_is_healthy() -> None:
    assert worst([]) is Exit.HEALTHY


@given(st.lists(st.sampled_from(Exit), min_size=1))
def test_the_worst_of_many_is_one_of_them_and_order_does_not_matter(exits: list[Exit]) -> None:
    assert worst(exits) in exits
    assert worst(exits) is worst(reversed(exits))


def test_every_exit_has_its_place() -> None:
    assert set(PRECEDENCE) == set(Exit)


def test_every_error_of_the_family_can_cross_the_socket_by_name() -> None:
    def descendants(kind: type[AndonError]) -> set[type[AndonError]]:
        return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))

    assert set(FAMILY.values()) >= {kind for kind in descendants(AndonError) if kind.__module__ == "console.errors"}
    assert FAMILY["PlaybookError"] is PlaybookError
    assert PlaybookError("m", "h").exit is Exit.USAGE
