"""Objects through any node, with Python's http.client as a client that knows nothing of Brigade."""
import base64
import hashlib
import unittest

from harness import ClusterTest, content


class Objects(ClusterTest):
    def test_every_node_stores_and_serves_objects(self):
        nodes = self.make_cluster(3).nodes
        for writer in nodes:
            for size in (0, 1, 4095, 4096, 4097, 1 << 20, 8 << 20):
                key = f"sizes/{writer.name}/{size}"
                with self.subTest(key=key):
                    self.put_and_read(writer, nodes, key, size)
        for number, node in enumerate(nodes):
            with self.subTest(node=node.name):
                self.conditions_and_ranges(node, nodes[number - 1])
                self.refusals(node)

    def put_and_read(self, writer, nodes, key, size):
        data = content(key, size)
        put = writer.request("PUT", f"/o/{key}", data, {"Content-Type": "image/jpeg"})
        self.assertEqual(put.status, 201, put)
        again = writer.request("PUT", f"/o/{key}", data, {"Content-Type": "image/jpeg"})
        self.assertEqual(again.status, 200, again)
        self.assertNotEqual(again.headers["ETag"], put.headers["ETag"], "each write has a tag of its own")
        for node in nodes:
            got = node.request("GET", f"/o/{key}", headers={"Want-Repr-Digest": "sha-256=1"})
            self.assertEqual((got.status, got.headers["Content-Type"]), (200, "image/jpeg"), got)
            self.assertTrue(got.body == data, f"{key} differs at {node.name}")
            self.assertEqual(got.headers["ETag"], again.headers["ETag"])
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            self.assertEqual(got.headers["Repr-Digest"], f"sha-256=:{digest}:")
            head = node.request("HEAD", f"/o/{key}")
            self.assertEqual((head.status, head.body, head.headers["Content-Length"]), (200, b"", str(size)))

    def conditions_and_ranges(self, node, other):
        key, size = f"conditions/{node.name}", 10_000
        path, data = f"/o/{key}", content(key, size)
        self.assertEqual(node.request("GET", path).status, 404)
        put = node.request("PUT", path, data, {"If-None-Match": "*"})
        self.assertEqual(put.status, 201, put)
        etag = put.headers["ETag"]
        self.assertEqual(other.request("PUT", path, b"x", {"If-None-Match": "*"}).status, 412)
        self.assertEqual(other.request("PUT", path, b"x", {"If-Match": '"another"'}).status, 412)
        self.assertEqual(other.request("GET", path, headers={"If-None-Match": etag}).status, 304)
        self.assertEqual(other.request("GET", path, headers={"If-Match": '"another"'}).status, 412)
        for text, first, end in (("0-0", 0, 1), ("1-4096", 1, 4097), ("9999-", 9999, size), ("-7", size - 7, size),
                                 ("5000-99999", 5000, size)):
            part = other.request("GET", path, headers={"Range": f"bytes={text}"})
            self.assertEqual((part.status, part.body), (206, data[first:end]), text)
            self.assertEqual(part.headers["Content-Range"], f"bytes {first}-{end - 1}/{size}")
        several = other.request("GET", path, headers={"Range": "bytes=0-9,100-109"})
        self.assertEqual((several.status, several.headers.get_content_type()), (206, "multipart/byteranges"))
        self.assertTrue(data[:10] in several.body and data[100:110] in several.body)
        beyond = other.request("GET", path, headers={"Range": f"bytes={size}-"})
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, f"bytes */{size}"))
        old = other.request("GET", path, headers={"Range": "bytes=0-0", "If-Range": '"another"'})
        self.assertEqual((old.status, old.body), (200, data))
        replaced = other.request("PUT", path, b"new", {"If-Match": etag})
        self.assertEqual(replaced.status, 200, replaced)
        self.assertEqual(node.request("GET", path).body, b"new")
        self.assertEqual(node.request("DELETE", path).status, 204)
        self.assertEqual(other.request("DELETE", path).status, 404)
        self.assertEqual([each.request("GET", path).status for each in (node, other)], [404, 404])

    def refusals(self, node):
        key = f"chunked/{node.name}"
        data = content(key, 300_000)
        put = node.request("PUT", f"/o/{key}", (data[at:at + 7000] for at in range(0, len(data), 7000)))
        self.assertEqual(put.status, 201, put)
        self.assertTrue(node.request("GET", f"/o/{key}").body == data, "a chunked upload differs")
        right = base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()
        path = f"/o/digest/{node.name}"
        wrong = node.request("PUT", path, b"other bytes", {"Repr-Digest": f"sha-256=:{right}:"})
        self.assertEqual(wrong.status, 400, wrong)
        self.assertEqual(node.request("GET", path).status, 404)
        self.assertEqual(node.request("PUT", path, b"bytes", {"Repr-Digest": f"sha-256=:{right}:"}).status, 201)
        self.assertEqual(node.request("PUT", path, b"x", {"Brigade-Redundancy": "3"}).status, 400)
        for bad in ("/o/", "/o/a/../b", "/o/%ff", "/o/a%00b", "/o/" + "k" * 1025):
            self.assertEqual(node.request("PUT", bad, b"x").status, 400, bad)


if __name__ == "__main__":
    unittest.main()
