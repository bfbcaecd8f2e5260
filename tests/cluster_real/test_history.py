"""The judge of histories sees each kind of broken one, and lets the others pass."""
import unittest

from history import ABSENT, DELETE, DONE, GET, NOTHING, OPEN, PUT, History


def judged(*operations):
    history = History()
    for kind, value, began, ended, outcome in operations:
        history.add(kind, "k", value, began, ended, outcome, "n1")
    return history.judge()


class Judge(unittest.TestCase):
    def right(self, *operations):
        self.assertEqual(judged(*operations), [])

    def wrong(self, *operations):
        self.assertTrue(judged(*operations))

    def test_what_was_acknowledged_is_read(self):
        self.right((PUT, 1, 0, 1, DONE), (GET, 1, 2, 3, DONE))
        self.wrong((PUT, 1, 0, 1, DONE), (GET, ABSENT, 2, 3, DONE))
        self.wrong((PUT, 1, 0, 1, DONE), (GET, 2, 2, 3, DONE))
        self.right((GET, ABSENT, 0, 1, DONE), (PUT, 1, 2, 3, DONE))
        self.right((PUT, 1, 0, 5, DONE), (GET, ABSENT, 2, 3, DONE), (GET, 1, 3, 4, DONE))
        self.right((PUT, 1, 0, 5, DONE), (GET, 1, 1, 2, DONE), (GET, ABSENT, 3, 4, DONE))  # nothing is promised yet
        self.wrong((PUT, 1, 0, 5, DONE), (GET, 1, 1, 2, DONE), (GET, ABSENT, 6, 7, DONE))

    def test_nothing_old_comes_back(self):
        self.wrong((PUT, 1, 0, 1, DONE), (PUT, 2, 2, 3, DONE), (GET, 1, 4, 5, DONE))
        self.right((PUT, 1, 0, 1, DONE), (PUT, 2, 2, 5, DONE), (GET, 1, 3, 4, DONE), (GET, 2, 4, 5, DONE))
        self.right((PUT, 1, 0, 9, DONE), (PUT, 2, 0, 9, DONE),
                   (GET, 1, 1, 2, DONE), (GET, 2, 3, 4, DONE), (GET, 1, 5, 6, DONE))
        self.wrong((PUT, 1, 0, 9, DONE), (PUT, 2, 0, 9, DONE), (GET, 1, 10, 11, DONE), (GET, 2, 12, 13, DONE))
        self.wrong((PUT, 1, 0, 9, DONE), (PUT, 2, 0, 9, DONE), (GET, 2, 10, 11, DONE), (GET, 1, 12, 13, DONE))
        self.right((PUT, 1, 0, 9, DONE), (PUT, 2, 0, 12, DONE), (GET, 2, 10, 11, DONE), (GET, 1, 11, 13, DONE))
        self.wrong((PUT, 1, 0, 1, DONE), (DELETE, None, 2, 3, DONE), (GET, 1, 4, 5, DONE))
        self.right((PUT, 1, 0, 1, DONE), (DELETE, None, 2, 3, DONE), (GET, ABSENT, 4, 5, DONE))

    def test_an_open_write_may_happen_late_or_never(self):
        self.right((PUT, 1, 0, 1, OPEN), (GET, ABSENT, 2, 3, DONE), (GET, 1, 8, 9, DONE))
        self.right((PUT, 1, 0, 1, DONE), (PUT, 2, 2, 3, OPEN), (GET, 1, 4, 5, DONE), (GET, 2, 6, 7, DONE))
        self.right((PUT, 1, 0, 1, DONE), (PUT, 2, 2, 3, OPEN), (GET, 2, 4, 5, DONE), (GET, 1, 6, 7, DONE))
        self.wrong((PUT, 1, 0, 1, OPEN), (GET, 1, 2, 3, DONE), (PUT, 2, 4, 5, DONE), (GET, 1, 6, 7, DONE))
        self.right((PUT, 1, 0, 1, OPEN), (PUT, 2, 4, 5, DONE), (GET, 1, 6, 7, DONE))
        self.right((PUT, 1, 0, 1, DONE), (DELETE, None, 2, 3, OPEN), (GET, ABSENT, 4, 5, DONE))
        self.wrong((PUT, 1, 0, 1, NOTHING), (GET, 1, 2, 3, DONE))

    def test_a_delete_explains_only_what_it_can(self):
        self.wrong((DELETE, None, 0, 1, DONE), (PUT, 1, 2, 3, DONE), (GET, ABSENT, 4, 5, DONE))
        self.wrong((PUT, 1, 0, 1, DONE), (GET, ABSENT, 2, 3, DONE), (DELETE, None, 4, 5, DONE))


if __name__ == "__main__":
    unittest.main()
