"""Editing rules in admin: reasons, history and the way back, roles, trying out, pasting many."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from audit.ids import event_id, new_batch_id
from mutt_project.roles import ensure_roles
from rules.backtest_models import Backtest
from rules.changes import changing, history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule
from rules.ruleset import CurrentRuleSet
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import RULE
from tests.unit.mutt_project.test_admin import page, rule_form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def _newest_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    current = CurrentRuleSet(max_age_s=0)
    for module in ("rules.api.testing", "rules.backtesting", "rules.warnings"):
        monkeypatch.setattr(f"{module}.current_rule_set", current)


def in_role(role: str) -> Client:
    ensure_roles()
    person = User.objects.create_user(role.split()[1], is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def editor() -> Client:
    return in_role("MUTT editor")


def make(name: str = "Down", **fields: Any) -> Rule:
    return Rule.objects.create(**{**RULE, "name": name, **fields})


def shown(answer: Any) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_a_change_without_a_reason_is_refused_beside_the_field(editor):
    rule = make()
    for url in (page(Rule, "add"), page(Rule, "change", rule.pk)):
        assert "Say why: it is kept in the history." in shown(editor.post(url, rule_form(change_reason=" ")))
    assert Rule.objects.get().name == "Down"


def test_a_change_is_kept_with_person_reason_and_difference(editor):
    rule = make()
    editor.post(page(Rule, "change", rule.pk), rule_form(name="Down", match_string="down", priority=7, is_active="on"))
    change, _ = history_of(Rule, rule.pk)
    assert (change.what, change.author, change.via, change.reason) == ("changed", "editor", "admin", "why")
    content = shown(editor.get(page(Rule, "history", rule.pk)))
    for words in ("editor", "why", "<del>100</del>", "<ins>7</ins>"):
        assert words in content


def test_one_click_brings_a_rule_back_and_is_in_the_history_itself(editor):
    rule = make()
    with changing("bob", "admin", "a mistake"):
        Rule.objects.update(priority=999, match_string="oops")
    _, added = history_of(Rule, rule.pk)
    url = page(Rule, "bring_back", rule.pk, added.id)
    assert editor.get(url).status_code == 403
    assert "is as it was" in told(editor.post(url, follow=True))
    rule.refresh_from_db()
    assert (rule.priority, rule.match_string) == (100, "down")
    assert history_of(Rule, rule.pk)[0].reason.startswith("Back to how it was on")


def test_a_deleted_rule_can_be_brought_back_under_its_old_id(editor):
    rule = make()
    url = page(Rule, "delete", rule.pk)
    assert "say why" in told(editor.post(url, {"post": "yes"}, follow=True))
    assert Rule.objects.exists()
    editor.post(url, {"post": "yes", "change_reason": "not needed"})
    assert not Rule.objects.exists()
    deleted, _ = history_of(Rule, rule.pk)
    assert (deleted.what, deleted.reason, deleted.author) == ("deleted", "not needed", "editor")
    editor.post(page(Rule, "bring_back", rule.pk, deleted.id))
    assert Rule.objects.get().pk == rule.pk


def test_what_cannot_be_brought_back_says_why(editor):
    host = DevelopmentHost.objects.create(hostname="lab-1")
    host.delete()
    DevelopmentHost.objects.create(hostname="LAB-1")
    deleted, _ = history_of(DevelopmentHost, deleted_id := DevelopmentHost.objects.get().pk - 1)
    answer = editor.post(page(DevelopmentHost, "bring_back", deleted_id, deleted.id), follow=True)
    assert "is in this list already" in told(answer)


def test_an_editor_who_was_slower_is_told_and_overwrites_nothing(editor):
    rule = make()
    form = editor.get(page(Rule, "change", rule.pk)).context["adminform"].form
    seen = form["seen"].value()
    with changing("bob", "admin", "mine first"):
        Rule.objects.update(priority=1)
    answer = editor.post(page(Rule, "change", rule.pk), rule_form(seen=seen, priority=500))
    assert "bob (0" in shown(answer)
    assert "has saved this since you opened it" in shown(answer)
    assert Rule.objects.get().priority == 1


def changelist_form(*rules: Rule, **fields: Any) -> dict[str, Any]:
    count = {"form-TOTAL_FORMS": len(rules), "form-INITIAL_FORMS": len(rules), "_save": "Save"}
    return {**count, **{f"form-{number}-id": rule.pk for number, rule in enumerate(rules)}, **fields}


def test_a_rule_is_switched_off_in_the_list_for_a_reason(editor):
    rule = make()
    form = changelist_form(rule)
    assert "say why" in told(editor.post(page(Rule, "changelist"), form, follow=True))
    assert Rule.objects.get().is_active
    editor.post(page(Rule, "changelist"), {**form, "change_reason": "too loud"})
    assert not Rule.objects.get().is_active
    assert history_of(Rule, rule.pk)[0].reason == "too loud"


@pytest.mark.parametrize(("action", "before", "after"), [("activate", False, True), ("deactivate", True, False)])
def test_chosen_rules_are_switched(editor, action, before, after):
    rules = [make(str(number), is_active=before) for number in range(3)]
    chosen = {"action": action, "_selected_action": [rule.pk for rule in rules[:2]], "index": 0, "change_reason": "r"}
    editor.post(page(Rule, "changelist"), chosen)
    assert list(Rule.objects.order_by("name").values_list("is_active", flat=True)) == [after, after, before]
    assert history_of(Rule, rules[0].pk)[0].reason == "r"


def test_chosen_rules_are_deleted_for_a_reason(editor):
    rule = make()
    chosen = {"action": "delete_selected", "_selected_action": [rule.pk], "index": 0, "change_reason": "r"}
    assert "They stay in the history" in shown(editor.post(page(Rule, "changelist"), chosen))
    editor.post(page(Rule, "changelist"), {**chosen, "post": "yes", "change_reason": "gone"})
    assert history_of(Rule, rule.pk)[0].reason == "gone"


def test_the_list_shows_hits_and_the_last_hit_of_each_rule(editor, django_assert_max_num_queries):
    hit, never = make("hit"), make("never")
    for number in range(3):
        record = alert(rule_id=hit.pk)
        record.event_id = event_id(new_batch_id(datetime.now(UTC)), number)
        record.save(force_insert=True)
    with django_assert_max_num_queries(20):
        content = shown(editor.get(page(Rule, "changelist")))
    assert f'?rule_id={hit.pk}" title="Show these events">3</a>' in content
    assert f'?rule_id={never.pk}" title="Show these events">0</a>' in content
    assert "last 0" in content
    assert "never hit" in content
    answer = editor.get(reverse("admin:audit_record_changelist"), {"rule_id": hit.pk})
    assert [record.rule_id for record in answer.context["records"]] == [hit.pk] * 3


def test_a_copy_begins_with_the_fields_of_the_original(editor):
    rule = make(notes="ask Ada", examples={"match": ["down"], "no_match": ["up"]})
    content = shown(editor.get(page(Rule, "add"), {"copy": rule.pk}))
    for words in ("Down (copy)", "ask Ada", ">\ndown</textarea>", ">\nup</textarea>"):
        assert words in content
    assert editor.get(page(Rule, "add"), {"copy": "x"}).status_code == 200


def test_examples_are_checked_beside_their_field_and_kept(editor):
    wrong = rule_form(match_string="down", examples_match="link up", examples_no_match="")
    assert "/match/0: It must match “link up”, and does not" in shown(editor.post(page(Rule, "add"), wrong))
    right = rule_form(match_string="down", examples_match='link down\n{"message": "DOWN"}', examples_no_match="link up")
    assert editor.post(page(Rule, "add"), right).status_code == 302
    assert Rule.objects.get().examples == {"match": ["link down", {"message": "DOWN"}], "no_match": ["link up"]}


def test_a_rule_that_can_never_win_and_one_that_takes_all_of_another_are_warned_of(editor):
    make("wide", match_string="d", priority=50)
    answer = editor.post(page(Rule, "add"), rule_form(match_string="down", priority=60, is_active="on"), follow=True)
    assert "can never win: “wide” (priority 50)" in told(answer)
    answer = editor.post(
        page(Rule, "add"), rule_form(name="all", match_string="d", priority=1, is_active="on"), follow=True
    )
    assert "It takes every event of “wide” (priority 50)" in told(answer)


def test_an_event_is_explained_with_what_matched_marked(editor):
    make(team_assignment="CORE")
    make("severe", syslog_severity="Error")
    event = '{"hostname": "edge", "message": "<b>link</b> DOWN now"}'
    content = shown(editor.post(reverse("rule-explain"), {"try_event": event}))
    for words in ("&lt;b&gt;link&lt;/b&gt; <mark>DOWN</mark> now", "CORE", "It wins", "Near misses", "wants Error"):
        assert words in content
    assert "<b>link" not in content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Paste an event"),
        ("{broken", "It begins like JSON, but is none"),
        ('{"hostname": "two words", "message": "x"}', "is not a name or IP address"),
        ("[]", "One event is wanted"),
        ("[" * 5000, ""),
    ],
)
def test_what_is_no_event_is_told_on_the_page(editor, text, words):
    content = shown(editor.post(reverse("rule-explain"), {"try_event": text}))
    assert words in content
    assert 'class="errornote"' in content or not words


@pytest.mark.parametrize("text", ["link down", "<187>Nov 23 08:30:00 core-1 link down", '"link down"'])
def test_a_bare_text_or_a_raw_line_is_an_event_too(editor, text):
    make()
    assert "It wins" in shown(editor.post(reverse("rule-explain"), {"try_event": text}))


def test_a_recent_event_is_picked_and_explained(editor):
    make()
    record = alert(message="link down", hostname="edge-9")
    record.save(force_insert=True)
    assert "edge-9" in shown(editor.get(reverse("rule-explain")))
    content = shown(editor.get(reverse("rule-explain"), {"event": str(record.event_id)}))
    assert "link <mark>down</mark>" in content
    assert "no event" in shown(editor.get(reverse("rule-explain"), {"event": "x"}))


def test_what_stands_in_the_form_is_tried_without_being_saved(editor):
    rule = make()
    form = rule_form(name="Mine", match_string="up", is_active="on", try_event="link up")
    url = f"{reverse('rule-explain')}?rule={rule.pk}"
    content = shown(editor.post(url, form, headers={"X-Fragment": "1"}))
    assert "by “Mine” (with your draft)" in content
    assert "<html" not in content
    assert Rule.objects.get().name == "Down"
    form["match_string"] = ""
    assert "this rule would match nothing" in shown(editor.post(url, form, headers={"X-Fragment": "1"}))
    draft = {**form, "match_string": "sideways"}
    assert "Your draft does not match" in shown(editor.post(reverse("rule-explain"), draft))


def test_a_change_is_tried_on_the_past_from_the_form(editor):
    rule = make()
    record = alert(message="link down", hostname="edge-9")
    record.event_id = event_id(new_batch_id(datetime.now(UTC)), 0)
    record.save(force_insert=True)
    form = rule_form(name="Down", match_string="nothing", is_active="on", try_over="7 days")
    url = f"{reverse('rule-backtests')}?rule={rule.pk}"
    answer = editor.post(url, form)
    content = shown(editor.get(answer["Location"]))
    assert "1 of 1" in content
    assert "Unmatched" in content
    assert "edge-9" in content
    assert "1 of 1" in shown(editor.post(url, form, headers={"X-Fragment": "1"}))
    assert "Choose over how many" in shown(editor.post(url, {**form, "try_over": "all of them"}))
    assert "not valid yet" in shown(editor.post(url, {**form, "priority": "0"}))


def test_a_backtest_that_runs_shows_how_far_it_is_and_is_asked_for_again(editor):
    now = datetime.now(UTC)
    values: dict[str, Any] = {"requested_by": "a", "draft": {}, "started_at": now, "updated_at": now, "most_events": 9}
    backtest = Backtest.objects.create(**values, progress=0.5)
    url = reverse("rule-backtest", args=[backtest.pk])
    answer = editor.get(url)
    assert '<progress value="0.5"' in shown(answer)
    assert answer["Refresh"] == "1"
    assert f'data-poll="{url}"' in shown(editor.get(url, headers={"X-Fragment": "1"}))


@pytest.mark.parametrize(("model", "second"), [(DevelopmentHost, "description"), (DeviceTeam, "team")])
def test_thousands_of_hosts_are_pasted_looked_at_and_saved(editor, model, second):
    model.objects.create(**{"hostname": "host-1", second: "old"})
    model.objects.create(**{"hostname": "goes", second: "old"})
    url = reverse(f"paste-{model.__name__.lower()}")
    assert editor.get(url).status_code == 200
    lines = "hostname,x\n# a comment\n\nhost-0, NEW\nhost-1;NEW\nhost-2\tNEW\n" + "\n".join(
        f"host-{number} NEW" for number in range(3, 2000)
    )
    form = {"lines": lines, "others_go": "on", "change_reason": "the new lab"}
    content = shown(editor.post(url, {**form, "_look": "1"}))
    assert "1999 <span>added" in content
    assert "1 <span>changed" in content
    assert model.objects.count() == 2
    assert "Added 1,999, changed 1, taken off 1." in told(editor.post(url, {**form, "_save": "1"}, follow=True))
    assert {getattr(entry, second) for entry in model.objects.all()} == {"NEW"}
    assert model.objects.count() == 2000


def test_wrong_lines_are_told_by_their_numbers_and_nothing_is_saved(editor):
    lines = "# teams\ngood,CORE\nno-team\n,CORE\ngood,OTHER"
    content = shown(editor.post(reverse("paste-deviceteam"), {"lines": lines, "change_reason": "r", "_save": "1"}))
    for words in ("Line 3: ", "Line 4: ", "Line 5: It is the same as"):
        assert words in content
    assert not DeviceTeam.objects.exists()
    content = shown(editor.post(reverse("paste-deviceteam"), {"lines": "a b", "change_reason": "", "_save": "1"}))
    assert "This field is required" in content


def test_a_viewer_sees_rules_and_changes_none():
    rule = make()
    viewer = in_role("MUTT viewer")
    for url in (page(Rule, "changelist"), page(Rule, "change", rule.pk), page(Rule, "history", rule.pk)):
        assert viewer.get(url).status_code == 200
    assert "It wins" in shown(viewer.post(reverse("rule-explain"), {"try_event": "down"}))
    (added,) = history_of(Rule, rule.pk)
    tries = [
        (page(Rule, "change", rule.pk), rule_form()),
        (page(Rule, "add"), rule_form()),
        (page(Rule, "delete", rule.pk), {"post": "yes", "change_reason": "r"}),
        (page(Rule, "bring_back", rule.pk, added.id), {}),
        (reverse("rule-backtests"), rule_form(try_over="1 days")),
        (reverse("paste-developmenthost"), {"lines": "a", "change_reason": "r", "_save": "1"}),
        (reverse("paste-deviceteam"), {"lines": "a b", "change_reason": "r", "_save": "1"}),
    ]
    assert [viewer.post(url, form).status_code for url, form in tries] == [403] * len(tries)
    viewer.post(page(Rule, "changelist"), changelist_form(rule, change_reason="r"))
    assert (Rule.objects.get().name, Rule.objects.get().is_active) == ("Down", True)
    assert not DevelopmentHost.objects.exists()


def test_an_editor_manages_no_keys_and_no_people_and_an_admin_does():
    pages = ("admin:ingest_apikey_changelist", "admin:auth_user_changelist")
    for role, status in (("MUTT editor", 403), ("MUTT admin", 200)):
        person = in_role(role)
        assert [person.get(reverse(name)).status_code for name in pages] == [status, status]


def test_a_stranger_reaches_none_of_the_pages():
    for name in ("rule-explain", "rule-backtests", "paste-developmenthost", "paste-deviceteam"):
        answer = Client().get(reverse(name))
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("admin:login"))
