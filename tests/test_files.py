"""What a person names as a file is told for what it is, and is read without waiting for ever."""

from __future__ import annotations

import errno
import os
import socket
import threading
import zipfile
from pathlib import Path

import pytest

from agent.errors import DataError, UsageError
from agent.files import Unreadable, contents, named
from agent.market.read import load
from agent.market.sample import write_sample

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and devices as POSIX has them")


class TestAName:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("https://example.org/prices.csv", "https://example.org/prices.csv is an address"),
            ("s3://bucket/prices.parquet", "is an address"),
            ("file:///prices.csv", "is an address"),
            ("~nobody-at-all-here/prices.csv", "home of somebody unknown"),
            ("x" * 300, r"300 characters\) is longer"),
            ("a/" + "é" * 200, "longer than the name"),
            ("a\0b", "not the name of any file"),
        ],
    )
    def test_that_no_file_can_have(self, name, words):
        with pytest.raises(UsageError, match=words):
            named(name)

    def test_of_links_that_go_round(self, tmp_path):
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        for path in (tmp_path / "a", tmp_path / "b" / "prices.csv"):
            with pytest.raises(UsageError, match="leads back to itself"):
                named(path)

    def test_inside_of_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(UsageError, match="is a file, not a folder"):
            named(tmp_path / "file" / "prices.csv")

    def test_with_a_tilde_is_in_the_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert named("~/prices.csv") == tmp_path / "prices.csv"
        assert named("~") == tmp_path

    @pytest.mark.parametrize("name", ["new.csv", "C:/prices.csv", "mine:make", ":memory:", "a~b", "folder/new"])
    def test_of_what_may_be_meant_is_left_as_it_is(self, name):
        assert named(name) == Path(name)


class TestContents:
    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
    def test_of_a_device_are_not_waited_for(self, device):
        with pytest.raises(Unreadable, match="a device, and may never end"):
            contents(Path(device))

    def test_of_a_pipe_nobody_writes_to_are_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(Unreadable, match="a pipe"):
            contents(tmp_path / "pipe")

    def test_of_a_socket_are_not_waited_for(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # whose name may be too long for one
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s")
            with pytest.raises(Unreadable, match="a socket"):
                contents(Path("s"))

    def test_of_a_link_to_nothing_tell_where_it_leads(self, tmp_path):
        (tmp_path / "link").symlink_to("gone.csv")
        with pytest.raises(Unreadable, match=r"a link to gone\.csv, which is not there"):
            contents(tmp_path / "link")

    def test_of_what_a_shell_pipes_in_are_read(self):
        ours, theirs = os.pipe()
        writing = threading.Thread(target=lambda: (os.write(theirs, b"x" * 100_000), os.close(theirs)))
        writing.start()
        assert contents(Path(f"/dev/fd/{ours}")) == b"x" * 100_000
        writing.join()
        os.close(ours)

    def test_of_a_pipe_without_end_are_not_read_to_it(self, monkeypatch):
        monkeypatch.setattr("agent.files.LARGEST", 1_000)
        ours, theirs = os.pipe()
        os.write(theirs, b"x" * 1_001)
        with pytest.raises(Unreadable, match="goes on after 1,000 bytes"):
            contents(Path(f"/dev/fd/{ours}"))
        os.close(ours)
        os.close(theirs)

    def test_of_what_is_not_there_or_a_folder_are_for_the_caller_to_tell(self, tmp_path):
        for path, number in ((tmp_path / "none", errno.ENOENT), (tmp_path, errno.EISDIR)):
            with pytest.raises(OSError, match=r"file|directory") as raised:
                contents(path)
            assert raised.value.errno == number


class TestAPriceFile:
    def test_is_read_from_what_a_shell_pipes_in(self, tmp_path):
        write_sample(tmp_path / "prices.csv")
        with (tmp_path / "prices.csv").open("rb") as file:
            assert len(load(f"/dev/fd/{file.fileno()}").bars) == 2_500

    @pytest.mark.parametrize("kind", ["folder", "file", "onnx"])
    def test_that_is_a_model_is_told_as_one(self, kind, tmp_path):
        path = tmp_path / {"folder": "mine", "file": "mine.psm", "onnx": "mine.onnx"}[kind]
        if kind == "folder":
            path.mkdir()
            (path / "manifest.json").write_text("{}")
        elif kind == "file":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("manifest.json", "{}")
                archive.writestr("model.skops", "")
        else:
            path.write_bytes(b"\x08\x0a")
        with pytest.raises(DataError, match="it is a model, not a price file"):
            load(path)
