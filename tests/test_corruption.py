"""Damaged files: two of every kind of benchmarks/corruption.py, which does three hundred."""

from collections import Counter

from benchmarks.corruption import FINE, KINDS, prove


def test_no_damage_passes_in_silence_and_none_leaves_half_a_data_set():
    found = list(prove(2 * (len(KINDS) + 1), seed=11))
    assert [each for each in found if each[1] not in FINE] == []
    assert Counter(kind for kind, _, _ in found) == dict.fromkeys([kind.__name__ for kind in KINDS] + ["at rest"], 2)
    became_of = {kind: {became for name, became, _ in found if name == kind} for kind, _, _ in found}
    for kind in ("climbing", "bomb", "bad_checksum", "flipped", "at rest", "negative"):
        assert became_of[kind] == {"refused"}
    for kind in ("doubled", "shuffled", "mixed_times"):
        assert became_of[kind] <= {"repaired", "harmless"}  # to the bytes of the sound files
    assert all(said for _, became, said in found if became != "harmless")
