"""Downloads from a server of this machine: resumed, refused, cut off, wrong; archives that are hostile."""

import hashlib
import http.server
import io
import os
import re
import resource
import subprocess
import tarfile
import threading
import unittest

from support import CommandTest, environment, wait_for

HELPER = os.environ.get("SATSUMA_TEST_DOWNLOAD", "")
CONTENT = os.urandom(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server:
    """Serves CONTENT as /file. `cuts` are numbers of bytes after which the next answers break off; `stall` makes them
    wait there instead."""

    def __init__(self, ranges=True):
        self.cuts, self.stall, self.requests, self.sent = [], False, [], 0
        self.released = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers.get("Range")
                server.requests.append(wanted)
                if not self.path.endswith(("file", ".gz")):
                    return self.send_error(404)
                begin = int(re.match(r"bytes=(\d+)-", wanted).group(1)) if wanted and ranges else 0
                if begin >= len(CONTENT):
                    return self.send_error(416)
                self.send_response(206 if begin else 200)
                if begin:
                    self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
                self.send_header("Content-Length", str(len(CONTENT) - begin))
                self.end_headers()
                end = len(CONTENT)
                if server.cuts:
                    end = begin + server.cuts.pop(0)
                self.wfile.write(CONTENT[begin:end])
                self.wfile.flush()
                server.sent += end - begin
                if end < len(CONTENT) and server.stall:
                    server.released.wait(60)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()


@unittest.skipUnless(HELPER, "a build without libcurl")
class Download(CommandTest):
    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.to = self.folder / "fetched"
        self.part = self.folder / "fetched.part"

    def fetch(self, code=0, url="/file", md5=MD5, **options):
        command = [HELPER, "fetch", self.server.address + url, str(self.to), md5]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def assert_fetched(self):
        self.assertEqual(self.to.read_bytes(), CONTENT)
        self.assertFalse(self.part.exists())

    def test_whole(self):
        self.fetch()
        self.assert_fetched()
        self.fetch()  # It is there: nobody is asked.
        self.assertEqual(self.server.requests, [None])

    def test_broken_connection_goes_on(self):
        self.server.cuts = [1_000_000, 500_000]
        self.fetch()
        self.assert_fetched()
        self.assertEqual(self.server.requests, [None, "bytes=1000000-", "bytes=1500000-"])

    def test_killed_and_resumed(self):
        self.server.cuts, self.server.stall = [1_200_000], True
        process = subprocess.Popen([HELPER, "fetch", self.server.address + "/file", str(self.to), MD5], env=environment())
        wait_for(lambda: self.part.exists() and self.part.stat().st_size > 1_000_000)
        process.kill()
        process.wait()
        have = self.part.stat().st_size
        self.fetch()
        self.assert_fetched()
        self.assertEqual(self.server.requests, [None, f"bytes={have}-"])
        self.assertEqual(self.server.sent, 1_200_000 + len(CONTENT) - have)

    def test_two_at_once(self):
        self.server.cuts, self.server.stall = [1_200_000], True
        first = subprocess.Popen([HELPER, "fetch", self.server.address + "/file", str(self.to), MD5], env=environment())
        wait_for(lambda: self.part.exists() and self.part.stat().st_size > 1_000_000)
        self.assertIn("another process is fetching", self.fetch(code=1))
        self.server.released.set()
        self.assertEqual(first.wait(timeout=60), 0)
        self.assert_fetched()
        self.assertEqual(list(self.folder.iterdir()), [self.to])

    def test_all_there_but_the_name(self):
        self.part.write_bytes(CONTENT)
        self.fetch()
        self.assert_fetched()

    def test_server_without_ranges(self):
        self.server.close()
        self.server = Server(ranges=False)
        self.addCleanup(self.server.close)
        self.part.write_bytes(CONTENT[:1000])
        self.assertIn("from its beginning", self.fetch())
        self.assert_fetched()

    def test_wrong_sum(self):
        line = self.fetch(code=1, md5="0" * 32)
        self.assertIn(f"MD5 sum {MD5}, expected {'0' * 32}", line)
        self.assertFalse(self.part.exists() or self.to.exists())
        # A beginning that is no such thing is found at the end.
        self.part.write_bytes(bytes(1000))
        self.assertIn("expected", self.fetch(code=1))
        self.fetch()
        self.assert_fetched()

    def test_another_file_is_there(self):
        self.to.write_bytes(b"mine")
        self.assertIn("remove or rename it", self.fetch(code=1))
        self.assertEqual(self.to.read_bytes(), b"mine")
        self.assertEqual(self.server.requests, [])

    def test_refused(self):
        self.assertIn("HTTP 404", self.fetch(code=1, url="/other"))
        self.assertFalse(self.to.exists())
        self.server.close()
        self.assertIn("cannot fetch http://127.0.0.1", self.fetch(code=1))
        command = [HELPER, "fetch", "file:///etc/passwd", str(self.to), MD5]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        self.assertEqual(done.returncode, 1)
        self.assertFalse(self.to.exists())

    def test_full_disk(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        self.assertIn("cannot write", self.fetch(code=1, preexec_fn=limit))
        self.fetch()
        self.assert_fetched()

    def test_command(self):
        """The command knows where files come from and what their sums are; these are not they."""
        line = self.refusal("datasets", "get", "mnist", "--to", "files", "--from", self.server.address, code=1)
        self.assertIn("train-images-idx3-ubyte.gz", line)
        self.assertIn("expected f68b3c2dcbeaaa9fbdd348bbdeb94873", line)
        self.assertEqual(list((self.folder / "files").iterdir()), [])
        self.assertIn("nothing to download", self.refusal("datasets", "get", "synthetic", code=2))
        self.assertIn("did you mean 'cifar10'", self.refusal("datasets", "get", "cifar1", code=2))
        self.assertIn("c32a1d4ab5d03f1284b67883e8d87530", self.satsuma("datasets", "cifar10").stdout)
        self.assertEqual(len(self.json("datasets", "mnist")["downloads"]), 4)


@unittest.skipUnless(HELPER, "a build without libcurl")
class Untar(CommandTest):
    def archive(self, *members, mode="w:gz"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.USTAR_FORMAT) as tar:
            for name, content, kind in members:
                info = tarfile.TarInfo(name)
                info.size, info.type, info.linkname = len(content), kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
                tar.addfile(info, io.BytesIO(content))
        (self.folder / "a.tar.gz").write_bytes(buffer.getvalue())

    def untar(self, code=0):
        command = [HELPER, "untar", str(self.folder / "a.tar.gz"), str(self.folder / "to")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_files(self):
        for mode in ("w:gz", "w"):
            big = os.urandom(1500)
            self.archive(("d/", b"", tarfile.DIRTYPE), ("d/one.bin", big, tarfile.REGTYPE), ("two", b"", tarfile.REGTYPE),
                         ("link", b"", tarfile.SYMTYPE), ("x" * 80 + "/" + "y" * 90, b"far", tarfile.REGTYPE), mode=mode)
            self.untar()
            to = self.folder / "to"
            self.assertEqual((to / "d/one.bin").read_bytes(), big)
            self.assertEqual((to / ("x" * 80) / ("y" * 90)).read_bytes(), b"far")
            self.assertFalse((to / "link").exists())

    def test_names_that_lead_out(self):
        for name in ("../out", "/tmp/satsuma-out", "a/../../out"):
            self.archive((name, b"x", tarfile.REGTYPE))
            self.assertIn("leads out", self.untar(code=1))
        self.assertFalse((self.folder / "out").exists())

    def test_damaged(self):
        self.archive(("one", os.urandom(2000), tarfile.REGTYPE), mode="w")
        path = self.folder / "a.tar.gz"
        whole = path.read_bytes()
        for size in range(0, 3000, 100):
            path.write_bytes(whole[:size])
            self.assertIn("offset", self.untar(code=1))
        path.write_bytes(b"!" + whole[1:])
        self.assertIn("no header", self.untar(code=1))


if __name__ == "__main__":
    unittest.main()
