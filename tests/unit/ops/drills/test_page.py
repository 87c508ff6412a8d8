"""The page on disaster recovery: drills read from it what they run, and write into it what they measured."""

import pytest

from ops.drills.__main__ import scenarios
from ops.drills.page import Page, WrongPage
from ops.drills.scenario import CHECKS, STEPS

TEXT = """# Page

## Redis data loss

### Steps

1. First.

   ```sh
   stop redis
   cat <<END
   text
   END
   ```

2. Not run:

   ```text
   rm -rf /
   ```

```sh
start redis
```

### How to see that it worked

Look.

<!-- measured: redis_data_loss -->
old
<!-- end -->

## Another

### Steps

```sh
other
```
"""


def test_the_blocks_of_a_part_are_read_in_order_and_without_their_indentation():
    page = Page(TEXT)
    assert page.chapter("Redis data loss").blocks("Steps") == ["stop redis\ncat <<END\ntext\nEND\n", "start redis\n"]
    assert page.chapter("Another").blocks("Steps") == ["other\n"]


@pytest.mark.parametrize(
    ("title", "part", "complaint"),
    [
        ("Reddis", "Steps", "There is no “Reddis” in the page; there are: Redis data loss, Another."),
        ("Another", "Checks", "There is no “Checks” in “Another”; there are: Steps."),
        ("Redis data loss", CHECKS, f"There is no ```sh in “{CHECKS}” of “Redis data loss”."),
    ],
)
def test_what_the_page_lacks_is_named(title: str, part: str, complaint: str):
    with pytest.raises(WrongPage) as caught:
        Page(TEXT).chapter(title).blocks(part)
    assert str(caught.value) == complaint


def test_figures_take_the_place_of_the_former_ones():
    page = Page(TEXT).with_figures("redis_data_loss", "new\n")
    assert "-->\nnew\n<!-- end -->\n\n## Another" in page.text
    assert "old" not in page.text
    with pytest.raises(WrongPage, match="no place for figures: <!-- measured: another -->"):
        page.with_figures("another", "new")


@pytest.mark.parametrize("name", sorted(scenarios()))
def test_each_drill_has_its_steps_its_checks_and_its_place_for_figures_in_the_page(name: str):
    page, scenario = Page.read(), scenarios()[name]
    chapter = page.chapter(scenario.title)
    assert chapter.blocks(STEPS)
    assert chapter.blocks(CHECKS)
    assert page.with_figures(name, "figures").text.count("figures\n<!-- end -->") == 1
    assert f"`{name}`" in page.text
    assert scenario.in_one_line
