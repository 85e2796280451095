"""The study engine on a Ray cluster of two nodes, one of which is lost on the way."""

import os
import sys

import pytest

import studies
from twinoffload.experiments.execution import here, on_ray
from twinoffload.experiments.study import Study

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
MEMORY = 80_000_000  # bytes of each node's store; the results are small


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # of the nodes' workers: they must know `studies`
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY},
    )
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
def test_a_lost_node_leaves_no_trace_in_the_table(cluster, tmp_path):
    second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    cluster.wait_for_nodes()
    marks, computed = tmp_path / "marks", []
    marks.mkdir()

    def lose_a_node(group, found):
        computed.append(group.label)
        if len(computed) == 1:
            cluster.remove_node(second, allow_graceful=False)

    groups = studies.groups(6, marks=str(marks), takes_s=0.5)
    Study(tmp_path / "ray", groups).run(on_ray(studies.compute, cluster.address), each=lose_a_node)
    assert sorted(computed) == [group.label for group in groups]
    Study(tmp_path / "here", groups).run(here(studies.compute))
    tables = [(tmp_path / name / "table.parquet").read_bytes() for name in ("ray", "here")]
    assert tables[0] == tables[1]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
def test_when_a_group_fails_the_others_are_kept(cluster, tmp_path):
    study = Study(tmp_path, studies.groups(4, fails="group 1"))
    with pytest.raises(ZeroDivisionError, match="in one group") as failure:
        study.run(on_ray(studies.compute, cluster.address))
    assert failure.value.__notes__ == ["while computing group 1"]
    assert [study.part(group).is_file() for group in study.groups] == [True, False, True, True]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_no_cluster_is_told_of_before_any_work(address):
    with pytest.raises(ValueError, match=rf"--ray {address}: no cluster there \(Connection refused\)"):
        on_ray(studies.compute, address)
