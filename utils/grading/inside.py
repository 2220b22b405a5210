"""What runs first inside the sandbox: limits on itself, then a kernel on sockets that were opened outside.

What belongs here: nothing that a submission may not read. This file is the only one of `utils.grading` that the sandbox
shows. It is run as a script, with the path of a JSON file that says what to do; see `utils.grading.sandbox`.
"""

import ctypes
import json
import os
import resource
import shutil
import sys
from pathlib import Path

PR_SET_DUMPABLE = 4


def main(path: str) -> None:
    """Take on the limits and the user that the file names, and run the kernel until it is killed."""
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    for name, most in told["limits"].items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    if told["user"]:  # root outside: from here on a user whom nothing belongs to, and whose processes are counted
        os.setgroups([])
        os.setgid(told["user"])
        os.setuid(told["user"])
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self belongs to root, which libraries read
    for folder in told["folders"]:
        os.makedirs(folder, exist_ok=True)
    for path, folder in told["copies"].items():
        shutil.copy(path, folder)
    os.chdir(told["folders"][0])
    os.umask(0o077)
    run_kernel(told["connection"], told["sockets"])


def run_kernel(connection: str, sockets: dict[str, int]) -> None:
    """Run an IPython kernel on listening sockets that are open already.

    Parameters
    ----------
    connection : str
        The path of Jupyter's connection file.
    sockets : dict
        For each port of that file, as text, the descriptor of its socket. A socket file of its own would have to lie
        in a folder that both sides can write to, and then a submission could fill or redirect it.
    """
    import zmq
    from ipykernel.heartbeat import Heartbeat
    from ipykernel.kernelapp import IPKernelApp

    def bind(socket, ip: str, port: int) -> None:
        socket.setsockopt(zmq.USE_FD, sockets[str(port)])
        socket.bind(f"ipc://{ip}-{port}")

    class Kernel(IPKernelApp):
        def _try_bind_socket(self, s, port):
            bind(s, self.ip, port)
            return port

        def init_control(self, context):
            super().init_control(context)
            address = self.shell_socket.getsockopt(zmq.LAST_ENDPOINT)
            if address:  # the debugger's way to the shell goes by a path that is not in the sandbox
                self.debug_shell_socket.disconnect(address)

    Heartbeat._try_bind_socket = lambda self: bind(self.socket, self.ip, self.port)
    app = Kernel.instance()
    app.initialize(["-f", connection, "--HistoryManager.enabled=False"])
    app.shell.ask_exit = lambda: None  # `exit()` in a cell ends that cell's thoughts, not the notebook
    app.start()


if __name__ == "__main__":
    main(sys.argv[1])
