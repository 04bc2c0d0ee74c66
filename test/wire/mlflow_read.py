"""What MLflow's own client reads of the runs of an experiment, as JSON. Run by Python of build/mlflow.

    mlflow_read.py URI EXPERIMENT      login in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD
"""
import json
import sys

from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name(sys.argv[2])
print(json.dumps([{
    'id': run.info.run_id, 'name': run.info.run_name, 'status': run.info.status, 'start': run.info.start_time,
    'end': run.info.end_time, 'params': run.data.params, 'tags': run.data.tags,
    'metrics': {key: [[repr(point.value), point.timestamp, point.step] for point in client.get_metric_history(run.info.run_id, key)]
                for key in run.data.metrics},
    'artifacts': [(file.path, file.file_size) for folder in client.list_artifacts(run.info.run_id) for file in
                  (client.list_artifacts(run.info.run_id, folder.path) if folder.is_dir else [folder])],
} for run in client.search_runs([experiment.experiment_id])]))
