"""The commands: what they print, and how they leave."""

from __future__ import annotations

import errno
import json
import re
import subprocess

import numpy as np
import pytest
import typer

from curvefit.errors import CurvefitError, DataFileError, InvalidInputError, StoreError, UnknownNameError
from curvefit.records.merging import merge_stores
from curvefit.records.store import RecordStore
from curvefit.study.study import Study
from runners.commands.check import check_study_file
from runners.commands.inspect import logs, show, verify
from runners.commands.plan import plan
from runners.commands.run import run
from runners.commands.slurm import slurm
from runners.commands.status import status
from runners.datasets import Arrays, arrays, images
from runners.engine.driver import read_log
from runners.engine.estimate import estimate_cost, processor_speed
from runners.engine.plan import STUDIES
from runners.engine.standing import read_standing
from tests.engine.studies import EXECUTOR, start_driver, tiny_toml
from tests.engine.test_engine import wait_for


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study with half of its runs done."""
    folder = tmp_path_factory.mktemp("finished")
    study = tiny_toml(folder / "s.toml", replicates=4)
    run(str(study), folder / "out", executor=EXECUTOR, workers=1, where=["seed<2"])
    return folder


def test_plan_counts_what_is_done_and_estimates_the_rest(finished, capsys):
    plan(str(finished / "s.toml"), out=finished / "out", as_json=True, executor=EXECUTOR)
    found = json.loads(capsys.readouterr().out)
    assert (found["total"], found["done"], found["missing"]) == (12, 6, 6)
    assert 0 < found["seconds"]["low"] < found["seconds"]["median"] < found["seconds"]["high"] < 1
    plan(str(finished / "s.toml"), out=finished / "out", executor=EXECUTOR)
    assert "  i: 6 of 12 runs missing, " in capsys.readouterr().out
    plan(str(finished / "s.toml"), executor=EXECUTOR)
    assert "no past runs)" in capsys.readouterr().out
    plan(str(finished / "s.toml"), workers=64, executor=EXECUTOR)
    assert "but one chunk alone, which no two workers share, needs" in capsys.readouterr().out


def test_status_counts_triplets_and_statuses(finished, capsys):
    status(finished / "out", as_json=True)
    (found,) = json.loads(capsys.readouterr().out)["studies"]
    assert (found["total"], found["done"], found["missing"], found["statuses"]) == (12, 6, 6, {"ok": 6})
    assert found["triplets"] == [{"data": "d", "model": "m", "inference": "i", "done": 6, "total": 12}]
    status(finished / "out")
    printed = capsys.readouterr().out
    assert "6 of 12 runs have a record (6 ok); nobody is at work" in " ".join(printed.split())
    assert printed.endswith("\n")
    with pytest.raises(DataFileError, match="holds no study"):
        status(finished)


def test_logs_and_show_tell_about_one_run(finished, capsys):
    logs(finished / "out", kind="recorded", last=1, as_json=True)
    (event,) = json.loads(capsys.readouterr().out)["events"]
    run_id = event["run_id"]
    show(finished / "out", run_id[:8])
    text = capsys.readouterr().out
    assert f'"run_id": "{run_id}"' in text
    assert "recorded" in text
    with pytest.raises(InvalidInputError, match="no run"):
        show(finished / "out", "zzz")
    with pytest.raises(InvalidInputError, match="12 runs have ids"):
        show(finished / "out", "")
    with pytest.raises(UnknownNameError, match="Did you mean 'recorded'"):
        logs(finished / "out", kind="recordet")


def test_verify_leaves_with_an_error_when_something_is_damaged(tmp_path, capsys):
    study = tiny_toml(tmp_path / "s.toml", replicates=1)
    run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1)
    verify(tmp_path / "out", as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "sound": True,
        "records": 3,
        "problems": [],
    }
    (part,) = (tmp_path / "out" / "sealed").glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(typer.Exit) as left:
        verify(tmp_path / "out")
    assert left.value.exit_code == 2
    assert f"sealed/{part.name}: SHA-256 does not match" in capsys.readouterr().out


def test_kept_tiles_of_kernels_are_gone_once_their_runs_are_done(tmp_path):
    study = tmp_path / "s.toml"
    study.write_text(
        '[study]\nname = "k"\nhypothesis = "h"\nreplicates = 1\nsizes = [16, 32]\n'
        '[[data]]\nname = "digits"\n[[model]]\nname = "fcn"\n[[inference]]\nname = "ntk"\n'
    )
    run(str(study), tmp_path / "out", workers=1, keep_tiles=True)
    assert list((tmp_path / "out" / "tiles").iterdir()) == []


def test_records_of_a_file_that_has_changed_do_not_count_as_done(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 100)
    file, study, out = tmp_path / "own.npz", tmp_path / "s.toml", tmp_path / "out"
    study.write_text(
        '[study]\nname = "k"\nsizes = [16]\n[[model]]\nname = "fcn"\n[[inference]]\nname = "ntk"\n'
        f'[[data]]\nlabel = "own"\nname = "arrays"\npath = "{file}"\nn_test = 50\n'
    )
    sources = []
    for shift in (0.0, 3.0):
        Arrays.write(file, rng.standard_normal((100, 2, 2, 1)) + shift * labels[:, None, None, None], labels)
        arrays._keep_arrays.cache_clear()  # a driver starts in a process of its own
        images._facts.cache_clear()
        if sources:
            with pytest.raises(
                InvalidInputError, match=f"data 'own': records in .* are of {sources[0]}, and"
            ):
                run(str(study), out, workers=1)
        run(str(study), out, workers=1, retry="all" if sources else "none")
        (record,) = RecordStore(out).read_records()
        sources.append(re.escape(record.data_facts["source"]))
    assert sources[0] != sources[1]
    run(str(study), out, workers=1)  # the new ones count


def test_status_tells_how_far_a_long_piece_of_work_is_while_it_lasts(tmp_path, capsys):
    gate, out = tmp_path / "gate", tmp_path / "out"
    study = tiny_toml(tmp_path / "s.toml", replicates=1, gate=gate)
    study.write_text(study.read_text() + 'says = "train kernel 12 %, 7 s left"\n')
    with start_driver(study, out, "--workers", "1") as driver:
        wait_for(
            lambda: (
                any(s.in_long_work for s in read_standing(out))
                if list(out.glob("plans/*.parquet"))
                else False
            ),
            60,
        )
        status(out)
        assert "train kernel 12 %, 7 s left" in capsys.readouterr().out
        gate.touch()
        _, err = driver.communicate(timeout=60)
    assert driver.returncode == 0, err
    assert not any(line["event"] == "progress" for line in read_log(out)), (
        "a line a second would fill the log"
    )
    (standing,) = read_standing(out)
    assert not standing.in_long_work


def test_a_run_with_failures_says_so_and_leaves_with_4(tmp_path, capsys):
    study = tiny_toml(tmp_path / "s.toml", replicates=1)
    study.write_text(study.read_text() + 'bad = "raise"\nbad_size = 64\n')
    with pytest.raises(typer.Exit) as left:
        run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1)
    assert left.value.exit_code == 4
    assert "1 exception (the first now: ValueError: a bad run)" in capsys.readouterr().out


def test_unknown_studies_engines_and_devices_are_named(tmp_path):
    study = str(tiny_toml(tmp_path / "s.toml"))
    with pytest.raises(UnknownNameError, match="Did you mean 'fashion-rotations'"):
        run("fashion-rotation", tmp_path / "out")
    with pytest.raises(DataFileError, match=r"none\.toml does not exist"):
        run("none.toml", tmp_path / "out")
    for options in ({"engine": "dask"}, {"device": "tpu"}, {"where": ["x=1"]}, {"retry": "maybe"}):
        with pytest.raises(CurvefitError):
            run(study, tmp_path / "out", executor=EXECUTOR, **options)
    with pytest.raises(
        InvalidInputError, match="no run of this study meets model=x, seed>1; there are model: m; seed: 0, 1"
    ):
        run(study, tmp_path / "out", executor=EXECUTOR, where=["model=x,seed>1"])


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_studies_can_be_run(path):
    assert Study.from_toml(path).hypothesis
    assert "can be run" in check_study_file(path.stem)[-1]


def test_slurm_script_is_plain_bash_with_the_options_given(tmp_path, capsys):
    study = tiny_toml(tmp_path / "s.toml")
    slurm(str(study), tmp_path / "out", tasks=3, workers=2, option=["time=1:00"], executor=EXECUTOR)
    script = tmp_path / "out" / "slurm" / "array.sbatch"
    text = script.read_text()
    for line in (
        "#SBATCH --array=0-2",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --time=1:00",
        "#SBATCH --requeue",
    ):
        assert line in text.splitlines()
    assert "--no-wait" in text
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert str(script) in capsys.readouterr().out
    with pytest.raises(InvalidInputError, match="without dashes"):
        slurm(str(study), tmp_path / "out", option=["--time=1"], executor=EXECUTOR)


def test_cost_intervals_narrow_with_experience_and_cover():
    rng = np.random.default_rng(0)
    guess = estimate_cost({"a": [1e12] * 20}, {})
    assert guess.high / guess.low > 8
    assert guess.low < 20e12 / processor_speed() < guess.high
    covered = 0
    for _ in range(60):
        speed, exponent = 10 ** rng.uniform(9, 11), rng.normal(1, 0.05)
        costs = 10 ** rng.uniform(9, 12, 60)
        seconds = 1e10 / speed * (costs / 1e10) ** exponent * np.exp(0.3 * rng.standard_normal(60))
        past = list(zip(costs[:20], seconds[:20]))
        estimate = estimate_cost({"a": costs[20:].tolist()}, {"a": past})
        covered += estimate.low <= seconds[20:].sum() <= estimate.high
        assert estimate.high / estimate.low < 6
    assert covered >= 47  # 90 % nominal: fewer than 47 of 60 has a false-alarm rate below 0.1 %


def test_without_file_locks_a_run_ends_well_and_says_that_it_is_not_compacted(tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    study, out = tiny_toml(tmp_path / "s.toml", replicates=1), tmp_path / "out"
    run(str(study), out, executor=EXECUTOR, workers=1)
    assert "not compacted: store" in capsys.readouterr().err
    assert RecordStore(out).read_table().num_rows == 3
    with pytest.raises(StoreError, match=r"cannot be locked \(No locks available\)"):
        merge_stores(RecordStore(tmp_path / "all"), [RecordStore(out)])
