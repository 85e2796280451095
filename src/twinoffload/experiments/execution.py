"""Where the groups of a study are computed: on this machine's cores, or on a Ray cluster. The numbers are the same."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from typing import Any

from twinoffload import process
from twinoffload.experiments.study import Compute, Execute, Group, Result

REACHED_S = 5.0  # within which a cluster answers
LOOK_UP_S = 0.2  # how often a waiting parent looks up: once polars is loaded, Ctrl-C does not end a system call
THREADS = 1  # of a worker: small products gain little from a second one


def here(compute: Compute) -> Execute:
    """One group after another, in this process."""

    def execute(groups: Sequence[Group]) -> Iterator[tuple[Group, Result]]:
        for group in groups:
            yield group, compute(group.work)

    return execute


def on_cores(compute: Compute, workers: int) -> Execute:
    """As many groups at once as there are workers, the longest first, each in a process of one thread.

    Raises:
        ValueError: when executed, a worker was killed from outside.
    """
    return partial(_on_cores, compute, workers)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _on_cores(compute: Compute, workers: int, groups: Sequence[Group]) -> Iterator[tuple[Group, Result]]:
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(groups)), mp_context=context, initializer=_begin_worker)
    try:
        with _undisturbed():
            running = {pool.submit(compute, group.work): group for group in _longest_first(groups)}
        failure: Exception | None = None
        while running:
            done, _ = wait(running, LOOK_UP_S, return_when=FIRST_COMPLETED)
            for future in done:
                group = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    raise
                except Exception as error:
                    failure = failure or _told_of(error, group)
                    for other in [other for other in running if other.cancel()]:  # those under way are kept
                        del running[other]
                else:
                    yield group, result
        if failure is not None:
            raise failure
    except BrokenProcessPool:
        raise ValueError(
            "a worker was killed, perhaps for want of memory; what is finished is kept: resume, with fewer --workers"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.kill()
            child.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits for a moment: it would leave half a worker behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Ctrl-C is the parent's business; a parent that is killed takes its workers along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    process.prepare(THREADS)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def on_ray(compute: Compute, address: str) -> Execute:
    """As many groups at once as a Ray cluster has cores; those of a node that is lost are computed on another.

    Args:
        compute: must be known to every node, so this package must be installed there.
        address: of the cluster; "auto" is the one that runs on this machine, "local" begins one here.

    Raises:
        ValueError: Ray is not installed, or there is no such cluster.
    """
    try:
        import ray  # noqa: F401
    except ImportError:
        raise ValueError("--ray: Ray is not installed; `pip install 'twinoffload[cluster]'`") from None
    _check_reachable(address)
    return partial(_on_ray, compute, address)


def _on_ray(compute: Compute, address: str, groups: Sequence[Group]) -> Iterator[tuple[Group, Result]]:
    import ray
    from ray.exceptions import RayTaskError

    began = not ray.is_initialized()
    if began:
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(address, str(error).splitlines()[0]) from None
    task = ray.remote(num_cpus=1, max_retries=-1)(_prepared)
    running = {}
    try:
        running = {task.remote(compute, group.work): group for group in _longest_first(groups)}
        failure: Exception | None = None
        while running:
            done, _ = ray.wait(list(running))
            for reference in done:
                group = running.pop(reference)
                try:
                    result = ray.get(reference)
                except RayTaskError as error:
                    failure = failure or _told_of(error, group)  # Ray cannot cancel those alone that are not begun
                else:
                    yield group, result
        if failure is not None:
            raise failure
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        if began:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not port.isdecimal():
        return  # a name, such as "auto"
    try:
        socket.create_connection((host, int(port)), timeout=REACHED_S).close()
    except OSError as error:
        raise _no_cluster(address, error.strerror or str(error)) from None


def _no_cluster(address: str, reason: str) -> ValueError:
    return ValueError(f"--ray {address}: no cluster there ({reason}); `ray start --head` begins one")


def _prepared(compute: Compute, work: dict[str, Any]) -> Result:
    process.prepare(THREADS)
    return compute(work)


def _told_of(error: Exception, group: Group) -> Exception:
    """The error, with the group that it came from."""
    error.add_note(f"while computing {group.label}")
    return error


def _longest_first(groups: Sequence[Group]) -> list[Group]:
    """So that no long one is left over at the end."""
    return sorted(groups, key=lambda group: -group.cost)
