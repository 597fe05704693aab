"""The page of clinical changes: the changelog's clinical part alone, and nothing of it is markup but bold and code."""

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from dosetwin.serve.web.changes import _releases, clinical

SAID = """# Changes
## 0.2.0 (1 May)
### Clinical
- **A dose** <script>alert(1)</script> of `x` is
  smaller ([why](https://elsewhere.example)).
- Another.
### Program
- Not this.
## 0.1.0
### Program
- Nor this.
"""


def test_the_clinical_part_of_each_release_is_told_and_escaped():
    assert clinical(SAID) == [
        ("0.2.0 (1 May)", ["<strong>A dose</strong> &lt;script&gt;alert(1)&lt;/script&gt; of <code>x</code> is smaller (why).",
                           "Another."]),
        ("0.1.0", []),
    ]  # fmt: skip


def test_the_programs_own_changelog_is_found():
    assert len(_releases()[0][1]) > 10
