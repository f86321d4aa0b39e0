"""`satsuma train --serve`: one page and nothing else, to this machine alone, and training that does not notice its readers."""

import re
import signal
import socket
import subprocess
import time
import unittest
import urllib.request

from support import SATSUMA, TINY, CommandTest, environment, interrupt, wait_for

HOST = b"Host: localhost\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def ask(port, request, timeout=20):
    """All that is answered until the server closes; what was refused in the middle of the request is nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while block := connection.recv(65536):
                answer += block
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


class Serve(CommandTest):
    def begin(self, *arguments, epochs="100000"):
        self.out = self.folder / "out.txt"
        with open(self.out, "w") as out:
            command = [SATSUMA, "train", *TINY, "--out", "run", "--log-every", "2", "--epochs", epochs, *map(str, arguments)]
            process = subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=out, stderr=out)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(lambda: "epoch" in self.out.read_text() or process.poll() is not None)
        if "unknown" in self.out.read_text() or "no live view" in self.out.read_text().split("training goes on")[0]:
            self.skipTest("this build has no cpp-httplib")
        return process

    def served_at(self):
        wait_for(lambda: "live view at" in self.out.read_text())
        return int(re.search(r"live view at http://127\.0\.0\.1:(\d+)/", self.out.read_text())[1])

    def test_one_page_and_nothing_else(self):
        process = self.begin("--serve")
        port = self.served_at()
        wait_for(lambda: b"Curves" in ask(port, GET))
        page = ask(port, GET)
        self.assertEqual(status(page), 200)
        for words in (b"resnet9", b'http-equiv="refresh"', b"running", b"Content-Security-Policy: default-src 'none'"):
            self.assertIn(words, page)
        head = ask(port, GET.replace(b"GET", b"HEAD"))
        self.assertEqual(status(head), 200)
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        self.assertNotIn(b"<html", head)
        for path in (b"/config.toml", b"/../run/config.toml", b"/../../../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd",
                     b"/.", b"/index.html", b"/report.html", b"/favicon.ico", b"http://localhost/etc/passwd", b"\\..\\x", b"/\x00"):
            answer = ask(port, b"GET " + path + b" HTTP/1.1\r\n" + HOST)
            self.assertIn(status(answer), (0, 400, 404), path)
            self.assertNotIn(b"<html", answer)
            self.assertNotIn(b"root:", answer)
        for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"):
            self.assertEqual(status(ask(port, method + b" / HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + b"hello")), 405, method)
        # A site whose name leads here does not get the page; this machine under its other names does.
        self.assertEqual(status(ask(port, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 403)
        self.assertEqual(status(ask(port, b"GET / HTTP/1.1\r\n\r\n")), 403)
        self.assertEqual(status(ask(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)), 200)
        self.assertEqual(status(ask(port, b"GET / HTTP/1.1\r\nHost: LOCALHOST:%d\r\n\r\n" % port)), 200)
        self.assertEqual(interrupt(process), 128 + signal.SIGINT)

    def test_bad_and_big_requests(self):
        process = self.begin("--serve", free_port())
        port = self.served_at()
        for request in (b"\r\n\r\n", b"rubbish\r\n\r\n", b"GET\r\n\r\n", bytes(range(256)) * 10, b"GET / HTTP/9.9\r\n\r\n",
                        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000 + HOST,
                        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n" + HOST,
                        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n" + HOST + b"z" * 1_000_000,
                        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"fffffff\r\n" + b"z" * 100_000,
                        b"GET / HTTP/1.1\r\nRange: bytes=-99999999999999999999999\r\n" + HOST):
            self.assertNotEqual(status(ask(port, request)), 500, request[:40])
        self.assertEqual(status(ask(port, GET)), 200)
        self.assertIsNone(process.poll())
        self.assertEqual(interrupt(process), 128 + signal.SIGINT)

    def test_slow_and_lost_clients(self):
        process = self.begin("--serve", free_port())
        port = self.served_at()
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        self.addCleanup(lambda: [connection.close() for connection in slow])
        for connection in slow:
            try:
                connection.sendall(b"GET / HT")
            except OSError:
                pass  # turned away already
        # No more than a few are held; others get their turn, and training takes no notice.
        steps = self.out.read_text().count("epoch")
        wait_for(lambda: status(ask(port, GET)) == 200)
        wait_for(lambda: self.out.read_text().count("epoch") > steps)
        # Asked for and not read, or closed before the answer.
        for _ in range(20):
            lost = socket.create_connection(("127.0.0.1", port))
            lost.sendall(GET)
            lost.close()
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        for connection in held:
            connection.sendall(GET[:-2])
        begin = time.monotonic()
        self.assertEqual(interrupt(process), 128 + signal.SIGINT)
        self.assertLess(time.monotonic() - begin, 20)
        for connection in held:
            connection.close()

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            process = self.begin("--serve", port, epochs="1")
            self.assertEqual(process.wait(timeout=120), 0)
        text = self.out.read_text()
        warnings = [line for line in text.splitlines() if "warning" in line]
        self.assertEqual(len(warnings), 1, text)
        self.assertIn(f"port {port} is in use; training goes on", warnings[0])
        self.assertIn("test accuracy", text)

    def test_addresses(self):
        for host in ("127.0.0.2", "[::1]"):
            with self.subTest(host):
                port = free_port()
                process = self.begin("--serve", f"{host}:{port}", "--overwrite")
                if f"{host}:{port} cannot be served" in self.out.read_text():
                    interrupt(process)
                    self.skipTest(f"this machine has no {host}")
                url = f"http://{host}:{port}/"
                self.assertIn(f"live view at {url}", self.out.read_text())
                with urllib.request.urlopen(url, timeout=20) as answer:
                    self.assertEqual(answer.status, 200)
                interrupt(process)

    def test_usual_port_in_use(self):
        """Without a port of one's own another one does."""
        first = self.begin("--serve")
        port = self.served_at()
        with open(self.folder / "second.txt", "w") as out:
            command = [SATSUMA, "train", *TINY, "--out", "second", "--epochs", "1", "--serve"]
            subprocess.run(command, cwd=self.folder, env=environment(), stdout=out, stderr=out, check=True, timeout=120)
        self.assertNotIn(f":{port}/", (self.folder / "second.txt").read_text())
        self.assertIn("live view at", (self.folder / "second.txt").read_text())
        interrupt(first)

    def test_wrong_addresses(self):
        for text in ("x", "0", "65536", "80x", ":80", "127.0.0.1:", "-1"):
            line = self.refusal("train", *TINY, "--out", "run", f"--serve={text}", code=2)
            if "no live view" not in line:
                self.assertIn("expected a port from 1 to 65535", line)
        self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    unittest.main()
