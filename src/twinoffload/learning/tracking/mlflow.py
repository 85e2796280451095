"""MLflow: a run of ours as a run of an experiment. Where it goes, MLflow's own variables say (MLFLOW_TRACKING_URI)."""

import os
import time
from typing import TYPE_CHECKING, Any

from twinoffload.learning.tracking.stored_ids import store_id, stored_id
from twinoffload.learning.tracking.tracker import Status, Tracker, facts, summary

if TYPE_CHECKING:
    from twinoffload.learning.run_folder import RunFolder

LARGEST_MB = 50.0  # of a checkpoint that is handed over
_LONGEST = 500  # characters of a parameter, which every version of a store takes
_TOGETHER = 100  # parameters of one request
_STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class MLflow(Tracker):
    """Parameters are scenario and settings, metrics each seed's and their mean against the episode.

    Without MLFLOW_TRACKING_URI runs go to `mlruns` here; without MLFLOW_EXPERIMENT_NAME to the experiment
    `twinoffload`.
    """

    name = "MLflow"

    def check(self) -> None:
        """See that MLflow is installed and its store answers.

        Raises:
            ValueError: it is not, or does not.
        """
        self._client()

    def start(self, run: "RunFolder", episode: int) -> None:
        """Begin a run, or go on with the one that the folder names."""
        self.client, self.folder = self._client(), run.path
        known = stored_id(run.path, "mlflow")
        if known is None:
            tags = {"mlflow.source.name": "twinoffload train", "scenario": run.scenario.name}
            made = self.client.create_run(self._experiment(), tags=tags, run_name=run.path.name)
            self.id = made.info.run_id
            self._log_facts(facts(run))
            for name in ("scenario.yaml", "settings.yaml", "versions.json"):
                self.client.log_artifact(self.id, str(run.path / name))
            store_id(run.path, "mlflow", self.id)
        else:
            self.id = known
            self.client.update_run(self.id, status="RUNNING")
        self.logged = self._last_step()

    def log(self, rows: list[dict[str, Any]]) -> None:
        """Metrics of an episode that is not there yet."""
        from mlflow.entities import Metric

        step = int(rows[0]["episode"])
        if step <= self.logged:
            return
        now = int(1000 * time.time())
        values = {"episodes": step + 1.0} | summary(rows)
        metrics = [Metric(name, value, now, step) for name, value in values.items()]
        for at in range(0, len(metrics), 1000):  # of one request, at most
            self.client.log_batch(self.id, metrics=metrics[at : at + 1000])
        self.logged = step

    def finish(self, status: Status) -> None:
        """Hand over the metrics and, where it is small, the checkpoint; end the run."""
        for name in ("metrics.parquet", "checkpoint.safetensors"):
            file = self.folder / name
            if file.is_file() and file.stat().st_size <= 1e6 * LARGEST_MB:
                self.client.log_artifact(self.id, str(file))
        self.client.set_terminated(self.id, _STATUS[status])

    def _log_facts(self, told: dict[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(name, str(value)[:_LONGEST]) for name, value in told.items()]
        for at in range(0, len(params), _TOGETHER):
            self.client.log_batch(self.id, params=params[at : at + _TOGETHER])

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "twinoffload")
        found = self.client.get_experiment_by_name(name)
        return self.client.create_experiment(name) if found is None else found.experiment_id

    def _last_step(self) -> int:
        history = self.client.get_metric_history(self.id, "episodes")
        return max((metric.step for metric in history), default=-1)

    def _client(self) -> Any:
        uri = os.environ.get("MLFLOW_TRACKING_URI", "mlruns")
        if "://" not in uri or uri.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # else MLflow 3 refuses what it merely maintains
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a server that is away must not hold training up
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise ValueError(f"--track mlflow: {error}: pip install 'twinoffload[tracking]'") from None
        try:
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"--track mlflow: MLFLOW_TRACKING_URI = {uri}: does not answer ({reason})") from None
        return client
