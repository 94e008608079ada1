"""SIGTERM while Snakemake's scheduler holds its own lock."""

import threading

from snakemake.scheduling.job_scheduler import JobScheduler

from ladr.experiment.plan.workflow import hear_sigterm


class Interrupted(JobScheduler):
    """A scheduler with what its handler of SIGTERM touches, and nothing else."""

    def __init__(self):
        self._lock, self._open_jobs, self._user_kill = threading.Lock(), threading.Semaphore(0), None


def test_a_handler_that_comes_while_the_lock_is_held_returns_and_is_heard(monkeypatch):
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    hear_sigterm()
    scheduler = Interrupted()
    with scheduler._lock:
        handler = threading.Thread(target=scheduler.exit_gracefully, args=(15, None), daemon=True)
        handler.start()
        handler.join(10)
        assert not handler.is_alive()
        assert scheduler._user_kill is None
    assert scheduler._open_jobs.acquire(timeout=10)
    assert scheduler._user_kill == "graceful"


def test_it_is_put_in_place_once(monkeypatch):
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    hear_sigterm()
    before = JobScheduler.exit_gracefully
    hear_sigterm()
    assert JobScheduler.exit_gracefully is before
