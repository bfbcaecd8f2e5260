"""What a cluster refuses, and what must not hurt it."""
import os
import random
import socket
import unittest

from harness import SEED, ClusterTest, Node, content


def send_raw(port, data):
    """What came back until the node closed or 3 s of silence passed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                answer += chunk
        except OSError:
            pass
    return answer


class BadInput(ClusterTest):
    def assert_refused(self, done, code, word):
        self.assertEqual(done.returncode, code, done)
        self.assertIn(word, done.stderr)

    def serve_to_its_end(self, node):
        node.start()
        code = node.process.wait(30)
        with open(node.log) as log:
            return code, log.read()

    def test_a_wrong_token_secret_or_port_is_refused_with_a_reason(self):
        first = self.make_cluster(1).nodes[0]
        stranger, newcomer = Node(self.root, "stranger"), Node(self.root, "newcomer")
        wrong = stranger.bootstrap().stdout.splitlines()[-1]
        url = f"http://127.0.0.1:{first.client}"
        self.assert_refused(newcomer.bootstrap("--join", url, "--token", wrong), 1, "token")
        self.assert_refused(newcomer.bootstrap("--join", url, "--token", "nonsense"), 2, "token")
        self.assertFalse(os.path.exists(f"{newcomer.dir}/secret"), "a refused node keeps no secret")
        self.assertEqual(len(first.cluster()["roster"]), 1)

        secret = f"{stranger.dir}/secret"
        os.chmod(secret, 0o644)
        code, said = self.serve_to_its_end(stranger)
        self.assertEqual(code, 1)
        self.assertIn("chmod 600", said)
        os.chmod(secret, 0o600)
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", stranger.client))
            holder.listen()
            os.remove(stranger.log)
            code, said = self.serve_to_its_end(stranger)
        self.assertEqual(code, 1)
        self.assertIn(str(stranger.client), said)
        stranger.start()
        self.addCleanup(lambda: stranger.is_running() and stranger.stop())
        stranger.wait_ready()
        self.assertEqual(stranger.stop(), 0, "SIGTERM ends a node with 0")

    def test_garbage_on_every_port_does_no_harm(self):
        cluster = self.make_cluster(3)
        key = "before/the/noise"
        self.assertEqual(cluster.nodes[0].request("PUT", f"/o/{key}", content(key, 5000)).status, 201)
        noise = random.Random(SEED)
        requests = [
            b"GET /o/x HTTP/1.1\r\n\r\n",
            b"GET /o/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"PUT /o/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"PUT /o/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"PUT /o/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            b"GET /o/x HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100)) + b"\r\n",
        ]
        with socket.socket(type=socket.SOCK_DGRAM) as udp:
            for node in cluster.nodes:
                for _ in range(300):
                    size = noise.choice([0, 1, 7, 64, 200, 1400, 9000, 60000])
                    udp.sendto(noise.randbytes(size), ("127.0.0.1", node.peer))
                for port in (node.client, node.peer):
                    for size in (0, 1, 100, 100_000):
                        send_raw(port, noise.randbytes(size))
                for request in requests:
                    answer = send_raw(node.client, request)
                    self.assertRegex(answer.split(b"\r\n")[0], rb"^HTTP/1.1 4\d\d", request[:60])
                send_raw(node.client, b"PUT /o/short HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nonly this")
                send_raw(node.client, b"GET /o/x HTTP/1.1\r\n" + b"X-Flood: y\r\n" * 100_000)
                send_raw(node.peer, b"GET /index HTTP/1.1\r\nHost: a\r\n\r\n")
        for node in cluster.nodes:
            node.check_running()
            node.wait_ready()
            self.assertEqual(node.patient("GET", f"/o/{key}").body, content(key, 5000))
            self.assertEqual(node.patient("GET", "/o/short").status, 404, "a body cut short leaves nothing")
            self.assertEqual(node.patient("GET", "/o/x").status, 404)


if __name__ == "__main__":
    unittest.main()
