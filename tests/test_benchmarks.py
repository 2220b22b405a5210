"""The speed ledger: when a metric was reached, the turns, the files, the table; and that the recipes run."""

import json
import math
import re
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tiny

from tests.benchmarks import device, recipes, rows, where
from utils.__main__ import main as command
from utils.cli import speed
from utils.cli.catalogue import UsageError

SLOW = [[10.0, 50.0], [20.0, 80.0], [30.0, 90.0], [40.0, 88.0]]
FAST = [[2.0, 70.0], [4.0, 91.0]]


def side(points, *epochs):
    return {"points": points, "epochs": list(epochs or [9.0, 5.0, 6.0, 7.0])}


def made(pairs=None, **changes):
    """Return a record of two pairs: lecture 30 s and 40 s to its best of 90 and 90, ours 4 s and 5 s."""
    later = [[seconds + 10, metric] for seconds, metric in SLOW]
    both = [
        {"first": "lecture", "seed": 1, "lecture": side(SLOW), "ours": side(FAST, 3.0, 1.0)},
        {"first": "ours", "seed": 2, "lecture": side(later), "ours": side([[5.0, 90.0]], 2.0)},
    ]
    record = {
        "row": "made-up", "order": 0, "title": "Made up", "metric": "accuracy", "unit": "%", "higher": True,
        "figure": 80.0, "data": {"imdb": "real"}, "profile": "full", "settings": {"lecture": "L.", "ours": "O."},
        "samples": {"lecture": 100, "ours": 50}, "flops": {"lecture": 6e9, "ours": 3e9}, "machine": "a machine",
        "cores": 2, "versions": {"keras": "3"}, "date": "2026-01-02", "gflops": 200.0,
        "pairs": both if pairs is None else pairs,
    }  # fmt: skip
    return record | changes


def row_of(text, cell):
    """Return the cells of the table's first line that holds a text."""
    line = next(line for line in text.splitlines() if line.startswith("|") and cell in line)
    return [part.strip() for part in line.strip("|").split("|")]


# -------------------------------------------------------------------------------------------------------- the figures


def test_a_metric_is_reached_at_its_first_epoch_that_is_as_good():
    assert speed.reached(SLOW, 80.0, higher=True) == 20.0
    assert speed.reached(SLOW, 80.1, higher=True) == 30.0
    assert speed.reached(SLOW, 90.1, higher=True) == math.inf
    falling = [[1.0, 0.5], [2.0, 0.3], [3.0, 0.4]]
    assert speed.reached(falling, 0.4, higher=False) == 2.0
    assert speed.reached(falling, 0.2, higher=False) == math.inf


def test_between_the_reading_before_and_its_own_a_metric_was_reached():
    assert speed.reached(SLOW, 80.0, higher=True, before=True) == 10.0
    assert speed.reached(SLOW, 40.0, higher=True, before=True) == 0.0
    assert speed.reached(SLOW, 95.0, higher=True, before=True) == math.inf
    assert speed.to_metric(made(), before=True) == {"lecture": [20.0, 30.0], "ours": [4.0, 5.0]}


def test_a_diverged_epoch_reaches_nothing():
    assert speed.reached([[1.0, None], [2.0, math.nan], [3.0, 0.2]], 0.4, higher=False) == 3.0
    assert speed.reached([[1.0, None], [2.0, math.nan]], 0.0, higher=True) == math.inf
    assert speed.best([[1.0, None], [2.0, 0.3], [3.0, math.nan]], higher=True) == 0.3


def test_the_goal_without_a_figure_is_what_the_recipe_reached_in_each_pair():
    pairs = made()["pairs"]
    pairs[1]["lecture"]["points"][2][1] = 70.0  # its best is now 88, at the end
    found = speed.to_metric(made(pairs))
    assert found == {"lecture": [30.0, 50.0], "ours": [4.0, 5.0]}
    assert speed.ratios(found) == [7.5, 10.0]


def test_the_best_of_both_is_the_worse_of_the_two_bests():
    pairs = made()["pairs"]
    pairs[0]["ours"]["points"] = [[2.0, 70.0], [4.0, 85.0]]
    assert speed.to_metric(made(pairs))["ours"] == [math.inf, 5.0]
    assert speed.to_metric(made(pairs), both=True) == {"lecture": [30.0, 40.0], "ours": [4.0, 5.0]}
    pairs[0]["ours"]["points"] = [[2.0, 80.0], [4.0, 79.0]]  # the lecture's reached 80 after 20 s
    assert speed.to_metric(made(pairs), both=True) == {"lecture": [20.0, 40.0], "ours": [2.0, 5.0]}
    errors = [[1.0, 0.5], [2.0, 0.3]], [[0.1, 0.6], [0.2, 0.4]]
    pairs = [{"first": "ours", "lecture": side(errors[0]), "ours": side(errors[1])}]
    assert speed.to_metric(made(pairs, higher=False), both=True) == {"lecture": [2.0], "ours": [0.2]}


def test_no_ratio_unless_both_reached_it_in_every_pair():
    assert speed.ratios({"lecture": [30.0, 40.0], "ours": [3.0, 5.0]}) == [10.0, 8.0]
    for lost in ("lecture", "ours"):
        seconds = {"lecture": [30.0, 40.0], "ours": [3.0, 5.0]} | {lost: [30.0, math.inf]}
        assert speed.ratios(seconds) is None
        assert speed.verdict(seconds)[2] == "no ratio"
        assert speed.verdict(seconds)[speed.SIDES.index(lost)] == "not reached in 1 of 2"
    assert speed.verdict({"lecture": [math.inf] * 2, "ours": [1.0, 2.0]}) == ["not reached", "1.5", "no ratio"]


def test_the_spread_is_median_and_range_over_pairs():
    seconds = {"lecture": [30.0, 40.0, 70.0], "ours": [10.0, 20.0, 10.0]}
    assert speed.verdict(seconds)[2] == "3.0× (2.0 to 7.0)"


def test_an_epoch_leaves_the_first_out_and_counts_the_lectures_samples():
    assert speed.an_epoch(made(), "lecture") == [6.0, 6.0]
    assert speed.an_epoch(made(), "ours") == [2.0, 4.0], "half the samples; the second has one epoch only"
    assert speed.rate(made(), "lecture") == pytest.approx(100.0)
    assert speed.rate(made(), "ours") == pytest.approx(100.0)


# ------------------------------------------------------------------------------------------------------------ the turns


def test_the_two_take_turns_and_the_first_changes_from_pair_to_pair(monkeypatch):
    monkeypatch.setattr(recipes, "afresh", lambda seed: None)  # there is no Keras in these
    turns = []

    def trained(name):
        def fit(watch, seed, epochs):
            turns.append((name, seed, epochs, float(np.random.default_rng().normal())))
            watch.on_epoch_begin(0)
            watch.on_epoch_end(0, {"val_loss": 1.0})

        return fit

    task = SimpleNamespace(lecture=trained("lecture"), ours=trained("ours"))
    pairs = recipes.measure(task, 3, {"lecture": 4, "ours": 2}, seed=7, say=lambda text: None)
    assert [turn[:3] for turn in turns] == [
        ("lecture", 7, 4), ("ours", 7, 2), ("ours", 8, 2), ("lecture", 8, 4), ("lecture", 9, 4), ("ours", 9, 2)
    ]  # fmt: skip
    assert [pair["first"] for pair in pairs] == ["lecture", "ours", "lecture"]


def test_the_watch_parts_training_from_validation_and_stops_for_a_judge():
    watch = rows.Watch(lambda logs: watch.free(lambda: time.sleep(0.3) or logs["val"]))
    watch.on_epoch_begin(0)
    watch.on_test_begin()
    time.sleep(0.1)
    watch.on_epoch_end(0, {"val": math.nan})
    watch.on_epoch_begin(1)
    watch.on_epoch_end(1, {"val": 3.0})
    assert watch.epochs[0] < 0.1 <= watch.points[0][0] < watch.points[1][0] < 0.3
    assert [metric for _, metric in watch.points] == [None, 3.0]


@pytest.mark.parametrize(
    "higher, metrics, ends_after",
    [(False, [3.0, 2.0, 2.0, 2.5, 1.0], 4), (True, [3.0, 2.0, math.nan, 9.0], 3), (True, [1.0, 2.0, 3.0, 4.0], None)],
)
def test_patience_ends_a_training_so_many_epochs_after_its_best(higher, metrics, ends_after):
    watch = rows.Watch(lambda logs: logs["val"], patience=2, higher=higher)
    watch.set_model(SimpleNamespace(stop_training=False))
    ended = []
    for epoch, metric in enumerate(metrics):
        watch.on_epoch_begin(epoch)
        watch.on_epoch_end(epoch, {"val": metric})
        ended.append(watch.model.stop_training)
    assert (ended.index(True) + 1 if True in ended else None) == ends_after


def test_only_the_lectures_side_ends_early(monkeypatch):
    monkeypatch.setattr(recipes, "afresh", lambda seed: None)
    found = {}

    def trained(name):
        def fit(watch, seed, epochs):
            found[name] = watch.patience
            watch.on_epoch_begin(0)
            watch.on_epoch_end(0, {"val_loss": 1.0})

        return fit

    task = SimpleNamespace(lecture=trained("lecture"), ours=trained("ours"))
    recipes.measure(task, 1, {"lecture": 4, "ours": 2}, say=lambda text: None, patience=5, higher=False)
    assert found == {"lecture": 5, "ours": None}


# ------------------------------------------------------------------------------------------------------------ the files


def test_a_record_is_written_whole_and_read_back(tmp_path):
    record = made()
    path = speed.save(record, tmp_path / "bench")
    assert path.name == "made-up.json"
    assert speed.load(tmp_path / "bench") == [record]
    assert [file.name for file in path.parent.iterdir()] == ["made-up.json"], "nothing temporary is left"
    speed.save(made(row="before", order=-1), tmp_path / "bench")
    assert [record["row"] for record in speed.load(tmp_path / "bench")] == ["before", "made-up"]
    assert speed.load(tmp_path / "none") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"gflops": math.inf},
        {"figure": "89"},
        {"pairs": []},
        {"settings": {"lecture": "L."}},
        {"pairs": [{"first": "lecture", "seed": 1, "lecture": side(SLOW)}]},
        {"pairs": [{"first": "lecture", "seed": 1, "lecture": side(SLOW), "ours": side([])}]},
        {"pairs": [{"first": "lecture", "seed": 1, "lecture": side([[1.0, None]]), "ours": side(FAST)}]},
    ],
)
def test_what_is_not_whole_is_not_written(tmp_path, changes):
    speed.save(made(), tmp_path)
    before = (tmp_path / "made-up.json").read_bytes()
    with pytest.raises(ValueError):
        speed.save(made(**changes), tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("made-up.json", before)]


def test_a_run_that_is_stopped_leaves_no_file(tmp_path, monkeypatch):
    def stopped(watch, seed, epochs):
        raise KeyboardInterrupt

    def finished(watch, seed, epochs):
        watch.on_epoch_begin(0)
        watch.on_epoch_end(0, {"val_loss": 1.0})

    monkeypatch.setattr(recipes, "afresh", lambda seed: None)
    ends = {"lecture": 1, "ours": 1}
    for ours, files in ((stopped, []), (finished, ["made-up.json"])):
        task = rows.Task(finished, ours, ends, ends, ends)
        row = rows.Row(
            "made-up", "Made up", "error", "", False, dict.fromkeys(ends, "S."), lambda tiny, task=task: task
        )
        monkeypatch.setattr(rows, "ROWS", {"made-up": row})
        monkeypatch.setattr(recipes, "matrix_rate", lambda *_: 100.0)
        monkeypatch.setenv("COURSE_PROFILE", "quick")  # put back afterwards
        words = ["--pairs", "2", f"--into={tmp_path}"]
        if files:
            assert recipes.main(words) == 0
            assert len(speed.load(tmp_path)[0]["pairs"]) == 2
        else:
            with pytest.raises(KeyboardInterrupt):
                recipes.main(words)
        assert [path.name for path in tmp_path.iterdir()] == files


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "odd.json").write_text('{"row": "odd"}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"odd\.json is not a record of `make bench` \('order' is missing"):
        speed.load(tmp_path)
    (tmp_path / "odd.json").write_text('{"row": ', encoding="utf-8")
    with pytest.raises(UsageError, match=r"odd\.json is not a record"):
        speed.load(tmp_path)


# ------------------------------------------------------------------------------------------------------------ the table


def test_the_table_says_seconds_ratios_and_what_was_reached():
    text = speed.table([made()])
    figure = row_of(text, "accuracy 80 % (lecture)")
    assert figure[:5] == ["Made up", "imdb: real", "6", "3", "2.2× (1.5 to 3.0)"]
    seconds = ["25", "4.5", "5.5× (5.0 to 6.0)", "3.2× (2.5 to 4.0)"]
    assert figure[5:] == ["accuracy 80 % (lecture)", *seconds, "90", "90 to 91"]
    own = row_of(text, "its best so far")
    least = "5.5× (5.0 to 6.0)"  # the lecture's readings before are after 20 and 30 s
    assert own == ["", "", "", "", "", "accuracy (%), its best so far", "35", "4.5", "7.8× (7.5 to 8.0)", least, "", ""]
    assert "lecture 100 (50 %), ours 100 (50 %)" in text
    assert "differ by up to 1.4 times" in text, "7 s against 5"
    assert "2026-01-02, a machine, 2 cores, keras 3 (Made up)" in text
    assert "2 pairs a row" in text


def test_the_table_gives_no_ratio_where_a_side_never_reached_it():
    text = speed.table([made(figure=90.5)])
    assert row_of(text, "(lecture)")[6:9] == ["not reached", "not reached in 1 of 2", "no ratio"]
    text = speed.table([made(figure=None)])
    assert "(lecture)" not in text.split("|---")[1]
    assert row_of(text, "its best so far")[0] == "Made up"


def test_where_ours_fell_short_the_table_has_the_best_that_both_reached():
    assert "| accuracy (%), best of both" not in speed.table([made()])
    pairs = made()["pairs"]
    pairs[0]["ours"]["points"] = [[2.0, 80.0]]
    text = speed.table([made(pairs)])
    assert row_of(text, "its best so far")[6:10] == ["35", "not reached in 1 of 2", "no ratio", ""]
    assert row_of(text, "| accuracy (%), best of both")[6:9] == ["30", "3.5", "9.0× (8.0 to 10.0)"]


def test_words_beside_a_record_end_its_note(tmp_path):
    speed.save(made(), tmp_path)
    assert "ours 100 (50 %).\n" in speed.table(speed.load(tmp_path))
    (tmp_path / "made-up.md").write_text("Three ways\nwere tried.\n", encoding="utf-8")
    assert "ours 100 (50 %).\n  - Three ways were tried.\n" in speed.table(speed.load(tmp_path))


def test_results_puts_the_table_into_results_md_and_check_agrees(tmp_path, capsys):
    words, tables = tiny.results_command(tmp_path)
    assert command(words) == 0
    assert "Speed" not in tables.read_text(encoding="utf-8")
    path = speed.save(made(), tmp_path / "results" / speed.FOLDER)
    assert command([*words, "--check"]) == 1
    assert command(words) == 0
    assert command([*words, "--check"]) == 0
    text = tables.read_text(encoding="utf-8")
    assert "**Speed.**" in text and "| Made up |" in text and text.endswith("<!-- results:end -->\n")
    path.write_text(json.dumps(made(title="Renamed")), encoding="utf-8")
    assert command([*words, "--check"]) == 1
    path.unlink()
    command(words)
    assert "Speed" not in tables.read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------- the recipes


def test_the_generator_gives_the_windows_of_utils():
    from utils import timeseries

    data = np.random.default_rng(0).normal(size=(200, 3))
    sizes = {"lookback": 12, "step": 3, "delay": 4}
    made_by_it = rows.generator(data, **sizes, min_index=50, max_index=150, batch_size=16)
    x, y = (np.concatenate(parts) for parts in zip(*(next(made_by_it) for _ in range(5))))
    ours = timeseries.windows(data, data[:, 1], **sizes, start=50, stop=150, batch_size=80)
    x_ours, y_ours = next(ours.as_numpy_iterator())
    np.testing.assert_allclose(x, x_ours, rtol=1e-6)
    np.testing.assert_allclose(y, y_ours, rtol=1e-6)


def test_buckets_lose_no_word_and_judge_every_row():
    rng = np.random.default_rng(0)
    words = [rng.integers(2, 99, size=length).astype("int32") for length in (1, 3, 4, 5, 9, 30, 8, 2, 2)]
    labels = np.arange(len(words)) % 2
    buckets = rows.Buckets(words, labels, (4, 8), 2)
    assert [x.shape for x, _ in buckets.parts] == [(5, 4), (4, 8)]
    held = sorted(tuple(row[row > 0]) for x, _ in buckets.parts for row in x)
    assert held == sorted(tuple(row[-8:]) for row in words), "the last words, as pad_sequences keeps them"
    seen = list(buckets.batches(rng))
    assert len(seen) == buckets.steps() == 4 and all(len(x) == 2 for x, _ in seen)
    label_of = {tuple(row[-8:]): label for row, label in zip(words, labels)}
    assert all(label_of[tuple(row[row > 0])] == y for x, ys in seen for row, (y,) in zip(x, ys))
    odd = SimpleNamespace(predict_on_batch=lambda x: np.ones((len(x), 1)))
    assert buckets.accuracy(odd) == pytest.approx(100 * labels.mean())


def test_min_char_rnn_moves_its_weights_and_learns():
    judged = []

    class Kept(rows.Watch):
        def free(self, judge):
            return judge()

    def bits(weights):
        judged.append(weights.flat().copy())
        return 1.0

    data = np.tile(np.arange(4), 60)
    rows.min_char_rnn(Kept(), 0, 2, 40, data, 4, 12, 5, bits)
    assert len(judged) == 2 and np.abs(judged[1] - judged[0]).max() > 1e-3
    from utils.bptt import Weights, loss_and_gradients

    W_xh, W_hh, b_h, W_hq, b_q = np.split(judged[1], np.cumsum([48, 144, 12, 48]))
    weights = Weights(W_xh.reshape(4, 12), W_hh.reshape(12, 12), b_h, W_hq.reshape(12, 4), b_q)
    loss, _ = loss_and_gradients(weights, data[None, :20], data[None, 1:21])
    assert loss < 0.5 * np.log(4), "far below a uniform guess: the listing's columns are our rows"


def test_the_stack_in_one_loop_is_the_stack_of_layers():
    sizes, x = (4, 5, 6), np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    theirs, ours = (keras.Sequential([keras.Input((7, 3)), *stem(sizes)]) for stem in (rows.stacked, rows.in_one_loop))
    ours.set_weights([weight + 0.1 for weight in theirs.get_weights()])
    assert np.abs(ours(x) - theirs(x)).max() > 1e-3, "other weights, other states"
    ours.set_weights(theirs.get_weights())
    assert ours(x).shape == (2, 6)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("name", rows.ROWS)
def test_a_tiny_run_ends_with_finite_seconds_and_writes_nothing(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    kept = []
    record = recipes.record
    monkeypatch.setattr(recipes, "record", lambda *args: kept.append(record(*args)) or kept[-1])
    assert recipes.main([name, "--tiny", f"--into={tmp_path}"]) == 0
    assert list(tmp_path.iterdir()) == []
    [found] = kept
    assert found["row"] == name and len(found["pairs"]) == 1 and found["profile"] == "tiny"
    for kind in speed.SIDES:
        assert all(0 < seconds < math.inf for seconds in speed.an_epoch(found, kind))
        assert 0 < speed.rate(found, kind) < math.inf
    speed.save(found, tmp_path)  # it is whole
    assert re.search(r"seconds an epoch +lecture +\S+ +ours +\S+ +faster [\d.]+×", capsys.readouterr().out)


def test_every_row_has_a_recipe_and_a_name_is_checked(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert len(rows.ROWS) == 6 and all(row.name == name for name, row in rows.ROWS.items())
    with pytest.raises(SystemExit):
        recipes.main(["--tiny", "imdb"])
    assert "no row is called imdb; expected some of imdb-lstm" in capsys.readouterr().err


def test_the_matrix_rate_is_that_of_the_product(monkeypatch):
    ticks = iter(np.arange(0, 100, 0.5))
    monkeypatch.setattr(recipes.time, "perf_counter", lambda: next(ticks))
    assert recipes.matrix_rate(100, 0.0) == pytest.approx(2 * 100**3 / 0.5 / 1e9)


def test_without_a_gpu_the_device_script_says_so(monkeypatch, capsys):
    monkeypatch.setattr(device, "gpu", lambda: "")
    monkeypatch.setattr(device, "measure", None)  # it would be called
    assert device.main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("no GPU for Keras on ") and out.count("\n") == 1


# ------------------------------------------------------------------------------------------------ where an update goes

WHOLE = {
    "shares": {"products": 0.2, "arithmetic": 0.1, "moves": 0.15, "dispatch": 0.05}, "seconds": 0.028,
    "recorded": 0.05, "updates": 4, "cores": 2, "machine": "M", "versions": {"keras": "3"}, "date": "2026-01-02",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("MatMul_1.67", "products"), ("dot.3", "products"), ("dot_general.1", "products"),
        ("multiply_add_fusion.3", "arithmetic"), ("wrapped_multiply", "arithmetic"),
        ("copy.34", "moves"), ("dynamic-update-slice_bitcast_fusion.2", "moves"), ("wrapped_broadcast.4", "moves"),
        ("ThunkExecutor::Execute", "dispatch"), ("while.12", "dispatch"),
        ("BlockUntilReady", ""), ("PrefetchProduce", ""), ("GatherV2:GatherV2", ""), ("python", ""),
    ],
)  # fmt: skip
def test_events_are_told_apart_by_their_names(name, of):
    assert where.kind(name) == of


def test_an_event_is_counted_without_those_inside_it():
    events = [("b", 2, 3), ("loop", 0, 10), ("a", 2, 1), ("b", 6, 4), ("later", 10, 5)]
    assert where.own_seconds(events) == {"loop": 3, "b": 6, "a": 1, "later": 5}


def test_a_training_is_recorded_and_ended(monkeypatch):
    inputs = keras.Input((12, 3))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GRU(4)(inputs)))
    model.compile("adam", "mse", jit_compile=True)
    x, after = np.ones((64, 12, 3), "float32"), []

    def ours(watch, seed, epochs):
        model.fit(x, np.ones((64, 1)), batch_size=8, epochs=epochs, callbacks=[watch], verbose=0)
        after.append("training went on to its end")

    row = SimpleNamespace(name="a row", prepare=lambda tiny: SimpleNamespace(ours=ours, epochs={"ours": 1}))
    found = where.look(row, warm=3, updates=2)
    assert not after
    assert found["shares"]["products"] > 0
    assert found["shares"]["arithmetic"] > 0
    assert 0 < sum(found["shares"].values()) < 1.05
    with pytest.raises(RuntimeError, match="made 8 updates; 13 were asked for"):
        where.look(row, warm=3, updates=5)


def test_where_updates_go_is_kept_row_by_row_and_ends_in_the_notes(tmp_path):
    speed.save(made(), tmp_path)
    speed.save_where("made-up", WHOLE, tmp_path)
    speed.save_where("another", WHOLE | {"updates": 9}, tmp_path)
    assert set(speed.load_where(tmp_path)) == {"made-up", "another"}
    text = speed.table(speed.load(tmp_path))
    assert "matrix products 20 %" in text
    assert "the rest, as waiting, input and Python, 50 % (TensorFlow's profiler, 4 updates;" in text
    assert "an update took 28 ms, recorded 50; 2026-01-02)" in text
    with pytest.raises(ValueError, match="made-up: its shares are no shares of one"):
        speed.save_where("made-up", WHOLE | {"shares": {"products": 2.0}}, tmp_path)
    assert speed.load_where(tmp_path)["made-up"] == WHOLE
    (tmp_path / speed.WHERE).write_text("[]")
    with pytest.raises(UsageError, match=re.escape("tests.benchmarks.where")):
        speed.load(tmp_path)
