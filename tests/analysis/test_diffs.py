import pytest

from console.analysis.incidents.diffs import LONGEST_LINE, Diff, read_diff


def test_a_unified_diff_is_taken_apart():
    diff = read_diff(
        "diff --git a/lib/pool.py b/lib/pool.py\nindex 1234567..89abcde 100644\n--- a/lib/pool.py\n+++ b/lib/pool.py\n"
        "@@ -10,4 +10,4 @@ def connect(url):\n     # how many\n-    size = 50\n+    size = 5\n     return Pool(size)"
    )
    assert diff.paths == ("lib/pool.py",)
    assert [(one.before, one.after, one.ratio) for one in diff.settings] == [(50, 5, 10)]
    assert "connect" in diff.around
    assert (diff.lost, diff.won) == ("50", "5")


def test_paths_alone_show_nothing():
    diff = read_diff("services/cart/cart.go\nREADME.md\nDockerfile\n")
    assert diff.paths == ("services/cart/cart.go", "README.md", "Dockerfile")
    assert not diff.is_shown


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("timeout: 30s -> 3s", 30, 3),
        ("memory limit = 1Gi → 256Mi", 2**30, 2**28),
        ("new_ranker 1% => 100%", 1, 100),
        ("read_timeout: 500ms -> 2s", 0.5, 2),
        ("retries: 3 -> 0", 3, 0),
    ],
)
def test_what_became_what_is_read_with_its_unit(line, before, after):
    assert [(one.before, one.after) for one in read_diff(line).settings] == [(before, after)]


def test_numbers_of_different_units_are_not_compared():
    assert read_diff("@@ x @@\n-  width: 400px\n+  width: 100%").settings == ()


def test_code_that_only_moved_takes_nothing_away():
    diff = read_diff(
        "@@ a @@\n-  rows = db.query(sql)\n-  rows.sort()\n-  return rows\n"
        "+  return fetch(sql)\n+\n+def fetch(sql):\n+  rows = db.query(sql)\n+  rows.sort()\n+  return rows"
    )
    assert diff.kept == 1
    assert diff.gone == ""


@pytest.mark.parametrize(
    "detail",
    [
        "@@ a @@\n-// one\n+// two",
        "@@ a @@\n-import os\n-import re\n+import re\n+import os",
        "@@ a @@\n-\tx = 1\n+    x = 1",
    ],
)
def test_comments_order_and_layout_are_idle(detail):
    assert read_diff(detail).is_idle


ODD = ("", "\n\n", "free words about a change", "@@", "-\n+\n-", "+" * 5000, "\x00\xff", "- a list\n- of words")


@pytest.mark.parametrize("detail", ODD, ids=range(len(ODD)))
def test_any_detail_can_be_read(detail):
    assert isinstance(read_diff(detail), Diff)


@pytest.mark.parametrize("part", ["a", "aA", " ", '"', "a -> ", "[a,", "9"])
def test_a_detail_that_is_one_endless_line_is_cut(part):
    diff = read_diff("@@ x @@\n-" + part * 60_000)
    assert len(diff.removed_text) <= LONGEST_LINE
