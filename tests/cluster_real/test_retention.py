"""Undelete and expiry, through nodes that hold the object and nodes that don't."""
import email.utils
import json
import time
import unittest

from harness import ClusterTest, content, run_cli, wait_for


class Retention(ClusterTest):
    def test_what_was_overwritten_or_deleted_comes_back(self):
        cluster = self.make_cluster(4)
        nodes = cluster.nodes
        for size in (3000, 3 << 20):
            with self.subTest(size=size):
                self.overwrite_delete_restore(nodes, f"wiki/{size}.jpg", size)
        # Retained on disk: it outlives a restart of all nodes.
        key, path = "wiki/again.png", "/o/wiki/again.png"
        self.assertEqual(nodes[0].request("PUT", path, content(key, 5000)).status, 201)
        self.assertEqual(nodes[1].request("DELETE", path).status, 204)
        for node in nodes:
            self.assertEqual(node.stop(), 0)
        for node in nodes:
            node.start()
        cluster.wait_ready()
        restored = run_cli("restore", key, "--node", nodes[2].url, "--json")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertEqual(json.loads(restored.stdout)["brigade-copies"], "2")
        self.assertTrue(nodes[3].request("GET", path).body == content(key, 5000))
        # Without retention nothing can be brought back.
        shorter = run_cli("settings", "retention=0s", "--data", nodes[0].dir, "--node", nodes[0].url)
        self.assertEqual(shorter.returncode, 0, shorter.stderr)
        self.assertEqual(nodes[1].request("DELETE", path).status, 204)
        wait_for("the revision is given up", 30,
                   lambda: not json.loads(run_cli("restore", key, "--list", "--node", nodes[0].url,
                                                  "--json").stdout)["revisions"])
        gone = run_cli("restore", key, "--node", nodes[0].url)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("retention", gone.stderr)

    def overwrite_delete_restore(self, nodes, key, size):
        path = f"/o/{key}"
        bodies = [content(f"{key} {number}", size + number) for number in range(3)]
        revisions = []
        for number, body in enumerate(bodies):
            put = nodes[number].request("PUT", path, body, {"Content-Type": "image/jpeg"})
            self.assertIn(put.status, (200, 201), put)
            revisions.append(put.headers["Brigade-Revision"])
        self.assertEqual(nodes[3].request("DELETE", path).status, 204)
        for node in nodes:
            listed = json.loads(run_cli("restore", key, "--list", "--node", node.url, "--json").stdout)
            self.assertEqual([one["revision"] for one in listed["revisions"]], revisions[::-1])
            self.assertEqual([one["size"] for one in listed["revisions"]], [len(body) for body in bodies[::-1]])
            self.assertEqual({len(one["nodes"]) for one in listed["revisions"]}, {2})
        # The newest, without being asked for; then one by name, over the object that is there.
        for revision, body in ((None, bodies[2]), (revisions[0], bodies[0])):
            chosen = ["--revision", revision] if revision else []
            for node in nodes[:1] if revision else nodes[3:]:
                restored = run_cli("restore", key, *chosen, "--node", node.url)
                self.assertEqual(restored.returncode, 0, restored.stderr)
            for node in nodes:
                got = node.request("GET", path)
                self.assertEqual((got.status, got.headers["Content-Type"]), (200, "image/jpeg"), got)
                self.assertTrue(got.body == body)
        unknown = run_cli("restore", key, "--revision", "1.1", "--node", nodes[0].url)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("not retained", unknown.stderr)

    def test_what_expires_is_gone_at_every_node(self):
        nodes = self.make_cluster(3).nodes
        soon, path = 5, "/o/thumbnails/1.webp"
        data = content("thumbnail", 4000)
        put = nodes[0].request("PUT", path, data, {"Brigade-Expires-In": str(soon)})
        self.assertEqual(put.status, 201, put)
        due = time.time() + soon
        for node in nodes:
            got = node.request("GET", path)
            if got.status == 404:
                self.assertGreater(time.time(), due - 1)
                continue
            self.assertTrue(got.body == data)
            said = email.utils.parsedate_to_datetime(got.headers["Expires"]).timestamp()
            self.assertLess(abs(said - due), 3)
            self.assertTrue(got.headers["Cache-Control"].startswith("max-age="))
        for node in nodes:
            wait_for(f"{node.name} finds it gone", soon + 30, lambda n=node: n.request("GET", path).status == 404)
        self.assertGreater(time.time(), due - 1)
        # It is as if it had never been.
        again = nodes[1].request("PUT", path, data, {"If-None-Match": "*"})
        self.assertEqual(again.status, 201, again)
        later = email.utils.formatdate(time.time() + 1000, usegmt=True)
        self.assertEqual(nodes[2].request("PUT", path, data, {"Expires": later}).status, 200)
        self.assertEqual(nodes[0].request("GET", path).headers["Expires"], later)
        for bad in ({"Brigade-Expires-In": "0"}, {"Brigade-Expires-In": "-1"}, {"Brigade-Expires-In": "soon"},
                    {"Expires": "0"}, {"Expires": email.utils.formatdate(time.time() - 10, usegmt=True)}):
            refused = nodes[0].request("PUT", path, data, bad)
            self.assertEqual((refused.status, refused.problem()), (400, "invalid"), bad)


if __name__ == "__main__":
    unittest.main()
