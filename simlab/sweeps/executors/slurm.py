"""Jobs of a SLURM cluster, by submitit: a job a chunk.

Jobs and their results are files in a folder that this machine and the nodes share; the store need not be there. What
sbatch should know (account, partition, time) it takes from its own variables: SBATCH_ACCOUNT, SBATCH_PARTITION,
SBATCH_TIMELIMIT.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from simlab.errors import BadInput, NotHere
from simlab.files import check_writable
from simlab.sweeps.chunk import Answer, work
from simlab.sweeps.workers import Crew, WorkerDied

try:
    import submitit
except ImportError as missing:
    raise NotHere("--executor slurm needs submitit, which is not installed: pip install 'simlab[slurm]'") from missing

CLUSTER = "slurm"  # submitit's name of it; its "local" runs the jobs on this machine
JOBS = 16  # at a time, unless told otherwise
SECONDS = 60.0  # work of a chunk: a job takes about a second to start, beside its wait
LOOK = 0.2  # seconds between two looks at a job


@contextlib.contextmanager
def start(folder: Path, workers: int | None, address: str | None) -> Iterator[Crew]:
    """A crew of jobs."""
    if CLUSTER == "slurm" and shutil.which("sbatch") is None:
        raise NotHere("--executor slurm runs where sbatch is, on a login node of the cluster; there is none here")
    if address is None:
        raise BadInput("--executor slurm needs --address, a folder that this machine and the nodes share")
    check_writable(Path(address) / "jobs")
    ended = threading.Event()
    logging.getLogger("submitit").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(dir=address, prefix="sweep-", ignore_cleanup_errors=True) as shared:
        executor = submitit.AutoExecutor(shared, cluster=CLUSTER)
        executor.update_parameters(name="simlab-sweep", cpus_per_task=1, timeout_min=60)
        submitting = threading.Lock()

        def ask(chunk: list[str]) -> Answer:
            with submitting:
                job = executor.submit(work, chunk, SECONDS)
            while not job.done():
                if ended.wait(LOOK):
                    job.cancel(check=False)
                    raise WorkerDied("the sweep ends")
            try:
                return job.result()
            except submitit.core.utils.UncompletedJobError as death:
                raise WorkerDied(f"job {job.job_id} died ({str(death).splitlines()[-1]})") from death
            except submitit.core.utils.FailedJobError as error:
                raise NotHere(f"a job does not start: {error}; what is finished is kept") from error

        yield Crew(lambda: workers or JOBS, ask, ended.set, SECONDS)
