"""How the commands of a page are found, run and compared."""

from __future__ import annotations

from pathlib import Path

from page_blocks import excerpt, read_blocks, run, stand_ins, steps, without_numbers, write

PAGE = """# A page

<!-- stand-ins: cases.csv, ckpt.pt -->

```sh run exit=3
echo one; echo two; echo three
exit 3
```

```text output head=1 tail=1
one
three
```

```toml write=a/b.toml
x = 1
```

```sh
# needs a GPU
false
```
"""


def test_blocks_marks_and_lines() -> None:
    blocks = read_blocks(PAGE)
    assert [(b.lang, b.is_run, b.file, b.line) for b in blocks] == [
        ("sh", True, "", 5),
        ("text", False, "", 10),
        ("toml", False, "a/b.toml", 15),
        ("sh", False, "", 19),
    ]
    assert blocks[0].mark("exit", 0) == 3
    assert PAGE[blocks[2].start : blocks[2].end] == "x = 1\n"
    assert stand_ins(PAGE) == ["cases.csv", "ckpt.pt"]


def test_a_block_is_run_where_it_says_and_its_output_is_shown_in_part(tmp_path: Path) -> None:
    (block, shown), (file, nothing) = steps(PAGE)
    code, printed = run(block, tmp_path)
    assert (code, printed) == (3, "one\ntwo\nthree\n")
    assert shown is not None
    assert excerpt(printed, shown) == shown.body
    assert nothing is None
    write(file, tmp_path)
    assert (tmp_path / "a" / "b.toml").read_text() == "x = 1\n"


def test_a_block_stops_at_its_first_fault_and_keeps_the_folder_to_itself(tmp_path: Path) -> None:
    text = "```sh run\npwd\nfalse | cat\necho on\n```\n"
    assert run(steps(text)[0][0], tmp_path) == (1, "...\n")


def test_numbers_hashes_and_widths_are_left_out() -> None:
    a, b = (
        "AUC 0.71  (n = 12)\n-----  3.6e-07\n0a1b2c3d4e5f60718293",
        "AUC 0.699 (n = 9)\n---  4e-07\nffffffffffffffffffff",
    )
    assert without_numbers(a) == without_numbers(b)
    assert without_numbers("1,625 of 1,000,000 answers/s") == without_numbers("984 of 12 answers/s")
    assert without_numbers("4, 5 and 6") != without_numbers("4 and 6")
    assert without_numbers("3 failed") != without_numbers("3 answered")
