"""A Slurm of this one machine: munged, slurmctld and slurmd on settings of their own, while a test runs.

No systemd, no database, no cgroups, nothing outside its folder; root or any user.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol")
PLACES = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
SETTINGS = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={worker}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
MinJobAge=3600
ReturnToService=2
PlugStackConfig={folder}/plugstack.conf
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=only Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """The programs of Slurm and munge that this machine has not."""
    return [name for name in (*DAEMONS, *COMMANDS) if shutil.which(name, path=PLACES) is None]


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for one in held:
        one.close()
    return ports


class Slurm:
    """`environment`: what a process needs to see this Slurm, and no other."""

    def __init__(self, folder: Path, cpus: int | None = None):
        """folder: short, since sockets are in it, and nobody else's."""
        self.folder, self.running = folder, []
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir(mode=0o755)
        (folder / "plugstack.conf").touch()
        controller, worker = free_ports(2)
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
        told = SETTINGS.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(), folder=folder,
            controller=controller, worker=worker, cpus=cpus or os.cpu_count(), memory=memory,
        )  # fmt: skip
        self.settings = folder / "slurm.conf"
        self.settings.write_text(told)
        self._own_srun()
        path = f"{folder / 'bin'}{os.pathsep}{PLACES}"
        self.environment = {**os.environ, "SLURM_CONF": str(self.settings), "PATH": path}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _own_srun(self):
        """The plugin starts srun without SLURM_CONF; a cluster has /etc/slurm instead, this one has not."""
        own = self.folder / "bin" / "srun"
        real = shutil.which("srun", path=PLACES)
        own.write_text(f'#!/bin/sh\nSLURM_CONF={self.settings} exec {real} "$@"\n')
        own.chmod(0o755)

    def _start(self):
        key, place = self.folder / "munge.key", self.folder
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._daemon(
            "munged", "--foreground", "--force", f"--socket={place}/munge.socket", f"--key-file={key}",
            f"--log-file={place}/munged.log", f"--pid-file={place}/munged.pid",
            f"--seed-file={place}/munged.seed",
        )  # fmt: skip
        self._until("munged", lambda: (place / "munge.socket").exists())
        self._daemon("slurmctld", "-D", "-f", str(self.settings))
        self._daemon("slurmd", "-D", "-f", str(self.settings))
        self._until("slurmd", lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T"))

    def _daemon(self, name, *words):
        with open(self.folder / f"{name}.out", "wb") as out:
            command = [shutil.which(name, path=PLACES), *words]
            started = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        self.running.append(started)

    def _until(self, name, there, seconds=120):
        end = time.monotonic() + seconds
        while not there():
            ended = [p.args[0] for p in self.running if p.poll() is not None]
            assert not ended, self.told(name)
            assert time.monotonic() < end, self.told(name)
            time.sleep(0.2)

    def told(self, name):
        """What a daemon said."""
        files = [self.folder / f"{name}.{kind}" for kind in ("out", "log")]
        return "\n".join([f"{name} did not start", *(f.read_text() for f in files if f.is_file())])

    def ask(self, *words):
        """What a Slurm command prints."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout

    def jobs(self):
        """Every job since the start: number -> (state, what Snakemake calls it)."""
        lines = self.ask("squeue", "-h", "-t", "all", "-o", "%A %T %k").splitlines()
        return {int(number): (state, name) for number, state, name in (x.split(maxsplit=2) for x in lines)}

    def close(self):
        """End the jobs, then the daemons, the last one first."""
        if len(self.running) == len(DAEMONS):
            self.ask("scancel", "-u", getpass.getuser())
            end = time.monotonic() + 30
            while self.ask("squeue", "-h").strip() and time.monotonic() < end:
                time.sleep(0.2)
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running = []
