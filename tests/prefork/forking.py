"""A program that forks commands: it imports what they import, once, and then starts each without waiting for that.

Its only argument is the number of a socket. Each message there brings four descriptors: what is to be a command's standard
input, output and error, and a socket of the command's own, which says what to run and hears of its pid and its end.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import struct
import sys
import warnings
from importlib import import_module

HEAVY = ("agent.cli.running", "agent.cli.serving")
NUMBER = struct.Struct("i")  # a pid, or an exit code


def serve(asked: socket.socket) -> None:
    """Fork for each message until the other end is closed, which happens at the latest when its process ends."""
    while received := socket.recv_fds(asked, 1, 4)[1]:
        if fork() == 0:
            asked.close()
            look_after(*received)
            return
        for descriptor in received:
            os.close(descriptor)


def look_after(stdin: int, stdout: int, stderr: int, news: int) -> None:
    """Fork once more, for the command itself, and tell how it fares; in the command, this returns when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=news) as told:
        with told.makefile() as lines:
            request = json.loads(lines.readline())
        if pid := fork():
            for stream in (stdin, stdout, stderr):
                os.close(stream)  # or their readers would wait for this process, too
            tell(pid, told)
            os._exit(0)
    become(stdin, stdout, stderr, **request)


def tell(pid: int, told: socket.socket) -> None:
    """Tell the pid of a command and then its exit code, and keep that pid from others until the code has been read."""
    told.sendall(NUMBER.pack(pid))
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    told.sendall(NUMBER.pack(end.si_status if end.si_code == os.CLD_EXITED else -end.si_status))
    told.recv(1)


def become(*streams: int, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Do in this process what ``python -m agent`` does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where the tests were begun by nohup
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv[1:] = arguments
    runpy.run_module("agent", run_name="__main__", alter_sys=True)


def fork() -> int:
    """Fork. Python's warning is of threads, of which it has none; those of numpy's libraries know what a fork is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands, and for pytest
    del sys.path[0]  # this folder, which no command would find there
    for name in HEAVY:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those who look after a command end
    gc.freeze()  # so that no child writes to, and thereby copies, what it shares with this process
    serve(socket.socket(fileno=int(sys.argv[1])))
