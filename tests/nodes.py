"""Nodes for tests of training: network namespaces with addresses of their own.

Where namespaces cannot be made, as in a container without the right to, all nodes have the address
of the loopback interface.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PORT = 29517


@dataclass(frozen=True)
class Node:
    """A node: its ``address``, the ``interface`` that has it, and its network ``namespace``, which
    is empty if it shares that of the tests."""

    address: str
    interface: str = "lo"
    namespace: str = ""

    @property
    def prefix(self):
        """What stands before a command that runs on this node."""
        return ["ip", "netns", "exec", self.namespace] if self.namespace else []

    @property
    def environment(self):
        """The environment of a command that runs on this node."""
        return {
            **os.environ,
            "GLOO_SOCKET_IFNAME": self.interface,
            "OMP_NUM_THREADS": "1",
            "PYTHONFAULTHANDLER": "1",  # where a process stood when it was killed by SIGABRT
        }


def ip(*words):
    """Run a command of ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def nodes(count):
    """Make ``count`` nodes that reach each other, and remove them in the end."""
    names = [f"asr-{os.getpid()}-{number}" for number in range(count + 1)]
    try:
        try:
            made = connect(names)
        except (OSError, subprocess.CalledProcessError):
            made = [Node("127.0.0.1")] * count
        yield made
    finally:
        for name in names:
            if shutil.which("ip"):
                subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def connect(names):
    """Return nodes in new namespaces, connected by a bridge in the first of them."""
    switch, *others = names
    for name in names:
        ip("netns", "add", name)
    ip("-n", switch, "link", "add", "bridge", "type", "bridge")
    ip("-n", switch, "link", "set", "bridge", "up")
    made = []
    for number, name in enumerate(others):
        port, address = f"port{number}", f"10.99.7.{number + 1}"
        ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", switch)
        ip("-n", switch, "link", "set", port, "master", "bridge", "up")
        ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for interface in ("lo", "eth0"):
            ip("-n", name, "link", "set", interface, "up")
        made.append(Node(address, "eth0", name))
    return made


def unplug(number):
    """Disconnect a node by its number: no process on it dies, and nobody hears from it."""
    ip("-n", f"asr-{os.getpid()}-0", "link", "set", f"port{number}", "down")


def start(node, rank, ranks, first, arguments, folder, setting=""):
    """Start ``asr`` as torchrun starts it on one of ``ranks`` nodes with a process each."""
    code = f"{setting}\nfrom asr.cli.main import main\nmain()"
    environment = node.environment | {
        "RANK": str(rank), "GROUP_RANK": str(rank), "LOCAL_RANK": "0",
        "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": first.address, "MASTER_PORT": str(PORT),
    }  # fmt: skip
    return subprocess.Popen(
        [*node.prefix, sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def torchrun(node, first, arguments, folder, setting):
    """Start torchrun on one of two nodes; it runs ``asr`` with ``arguments``, and starts it again
    once if it fails."""
    script = Path(folder) / "asr"
    script.write_text(f"{setting}\nfrom asr.cli.main import main\nmain()\n")
    options = [
        "--nnodes=2", "--nproc-per-node=1", "--max-restarts=1", f"--local-addr={node.address}",
        "--rdzv-backend=c10d", f"--rdzv-endpoint={first.address}:{PORT}", "--rdzv-id=test",
        f"--rdzv-conf=is_host={node == first}",
    ]  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", *options, script, *arguments]
    return subprocess.Popen(
        [*node.prefix, *map(str, command)],
        cwd=folder,
        # Else processes that start again may find the addresses of those before them.
        env=node.environment | {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def descendants(pid):
    """Return the numbers of a process and of all that it has started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def kill(process, number=signal.SIGKILL):
    """Kill a process and all that it has started by a signal; return what it wrote to standard
    error."""
    for pid in descendants(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return process.communicate()[1]
