"""Idle actors: kept, until a trial of another shape waits for what they hold."""

from study.tune.idle_actors import KeepingCache


def test_idle_actors_stay_until_another_shape_waits() -> None:
    cache = KeepingCache(may_keep_one=True)
    assert [cache.cache_object("small", actor) for actor in "abc"] == [True, True, True]
    assert list(cache.flush_cached_objects()) == []  # Tune's own would keep one of them
    cache.increase_max("small")
    assert list(cache.flush_cached_objects()) == []
    assert cache.pop_cached_object("small") == "a"
    cache.decrease_max("small")
    cache.increase_max("large")
    assert list(cache.flush_cached_objects()) == ["b", "c"]
    assert not cache.cache_object("small", "d")
    assert cache.cache_object("large", "e")
    cache.decrease_max("large")
    assert cache.cache_object("small", "f")
    assert sorted(cache.flush_cached_objects(force_all=True)) == ["e", "f"]
    assert cache.num_cached_objects == 0
