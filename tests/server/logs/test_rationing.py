from nacd.server.logs.rationing import Rationing, Unsaid


def test_the_same_sentence_is_said_so_often_a_minute_and_then_counted() -> None:
    ration = Rationing(a_minute=2)
    words = [f"device `{n}` is not known: status {n}" for n in range(5)]
    assert [ration.admit("lookup", "error", each, 0.0) for each in words] == [True, True, False, False, False]
    assert ration.due(59.0) == ()
    assert ration.due(60.0) == (Unsaid(area="lookup", level="error", words=words[2], count=3),)
    assert ration.due(61.0) == ()
    assert ration.admit("lookup", "error", words[0], 61.0)


def test_other_areas_levels_and_sentences_are_told_apart() -> None:
    ration = Rationing(a_minute=1)
    assert ration.admit("lookup", "error", "no answer", 0.0)
    assert ration.admit("audit", "error", "no answer", 0.0)
    assert ration.admit("lookup", "warning", "no answer", 0.0)
    assert ration.admit("lookup", "error", "another answer", 0.0)
    assert not ration.admit("lookup", "error", "no answer", 0.0)


def test_memory_is_bounded_and_nothing_is_lost_uncounted() -> None:
    ration = Rationing(a_minute=1, places=10)
    said = sum(ration.admit("a" * n, "error", "x", 0.0) for n in range(1, 1_000))
    assert len(ration) <= 11
    assert said + sum(each.count for each in ration.due(60.0)) == 999
