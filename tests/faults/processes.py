"""The processes that a driver starts: a PostgreSQL of its own, gunicorn, the mail worker. All end with the driver."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 60  # seconds for anything to start on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds, what: str, patience: float = PATIENCE, pause: float = 0.05):
    """The first true value of `holds()`. Raises TimeoutError."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(pause)
    raise TimeoutError(what)


def children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def answers(port: int, path: str = "/health/live") -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Process:
    """A process in a session of its own, so that its children end with it."""

    def __init__(self, command: list[str], environment: dict, folder: Path, name: str):
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=ROOT
            )

    def kill_a_child(self, random) -> bool:
        """SIGKILL for one of its children, as an out-of-memory killer does; False when it has none just now."""
        alive = children(self.popen.pid)
        if not alive:
            return False
        try:
            os.kill(random.choice(alive), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL for it and its children at once, as when the machine is switched off."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(5)

    def end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.popen.pid, number)
                self.popen.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self.popen.wait(5)


ROOT = Path(__file__).resolve().parents[2]


class Postgres:
    """A PostgreSQL of the driver's own under `folder`, listening on 127.0.0.1; on a disk of `disk` MB, if that is given
    (root only)."""

    def __init__(self, folder: Path, *options: str, disk: int = 0):
        self.folder, self.port, self.options = folder, free_port(), options
        self.bin = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        folder.mkdir(mode=0o755)
        self.disk = disk
        if disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}m", "tmpfs", folder], check=True)
        if self.owner:
            subprocess.run(["chown", "postgres", folder], check=True)
        self._run("initdb", "-D", self.data, "-U", "portal", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, name: str) -> str:
        return f"postgres://portal@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """Another database; its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "portal", name)
        return self.url_of(name)

    @property
    def pid(self) -> int:
        return int(subprocess.check_output([*self.owner, "head", "-1", f"{self.data}/postmaster.pid"]))

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [*self.owner, str(self.bin / program), *arguments]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        places = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        options = " ".join([places, *(f"-c {each}" for each in self.options)])
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self.data, "-l", log, "-w", "-t", str(PATIENCE), "-o", options, "start")

    def stop(self, how: str) -> None:
        """As operators do it: "fast" ends every connection, "immediate" leaves the rest to recovery."""
        self._run("pg_ctl", "-D", self.data, "-m", how, "stop")

    def stop_writing_ahead(self) -> None:
        """Halt the process that would write the log soon where commits do not."""
        for pid in children(self.pid):
            if b"walwriter" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL for the server and every process of it: what a power cut leaves, but for the disk's own cache."""
        server = self.pid
        for pid in [server, *children(server)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until(lambda: not Path(f"/proc/{server}").exists(), "its parent has not heard of its end")

    def end(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)
        if self.disk:
            subprocess.run(["umount", "-l", self.folder], check=False)
