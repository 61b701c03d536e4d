"""What is drawn of the counts of callgrind, without any."""

import unittest

import flame

# `begin` starts `lcw::read`, which calls `shared` for 30 and `mem::copy` for 10, and `lcw::write`, which calls
# `shared` for 10.
COUNTS = """events: Ir
fn=(1) std::sys::backtrace::__rust_begin_short_backtrace
1 0
cfn=(2) <lcw::Reader<T> as core::iter::Iterator>::read
calls=1 9
1 50
cfn=(3) lcw::write
calls=1 9
1 50
fn=(2)
1 10
cfn=(4) shared
calls=1 9
1 30
cfn=(5) mem::copy
calls=1 9
+3 10
fn=(3)
1 40
cfn=(4)
calls=1 9
1 10
fn=(4)
1 20
cfn=(6) serde_json::parse
calls=1 9
1 20
fn=(5)
1 10
fn=(6)
1 20
"""


class Frames(unittest.TestCase):
    def setUp(self):
        self.total, self.top = flame.frames(flame.Calls(COUNTS))

    def test_what_threads_begin_with_is_at_the_top(self):
        self.assertEqual(self.total, 100)
        self.assertEqual({name: spent for name, (spent, _) in self.top.items()}, {"lcw::Reader::read": 50, "lcw::write": 50})

    def test_callers_share_what_is_called_as_they_share_its_count(self):
        for caller, spent, inner in [("lcw::Reader::read", 30, 15), ("lcw::write", 10, 5)]:
            (callees,) = self.top[caller][1]
            self.assertEqual(list(callees), ["shared"])
            self.assertEqual(callees["shared"], [spent, [{"serde_json::parse": [inner, [{}]]}]])

    def test_a_picture_names_what_is_wide_enough(self):
        drawn = flame.svg(COUNTS, "a & b")
        self.assertIn("<title>serde_json::parse: 15.0%</title>", drawn)
        self.assertIn("a &amp; b", drawn)
        self.assertEqual(drawn.count("<rect"), 7)


if __name__ == "__main__":
    unittest.main()
