"""That the watch would notice: each thing a page must not do, done on purpose."""

import pytest

MARKUP = """() => { try { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); } catch {} }"""
FRAME = """() => document.body.append(Object.assign(document.createElement("iframe"), { src: "https://evil.test/" }))"""
STYLE = """() => document.body.setAttribute("style", "color: red")"""


@pytest.mark.parametrize(
    "deed, words",
    [
        (MARKUP, "policy: require-trusted-types-for"),
        (FRAME, "policy: frame-src"),
        (STYLE, "policy: style-src-attr"),
        ("() => alert('x')", "dialog: x"),
        ("() => setTimeout(() => missing())", "error: missing is not defined"),
        ("() => console.error('x')", "console: x"),
        ("() => fetch('http://evil.test/').catch(() => 0)", "policy: connect-src"),
    ],
)
def test_it_is_noticed(visit, deed, words):
    page = visit("viewer")
    page.goto("/")
    page.evaluate(deed)
    assert heard(page, words), page.watch.faults
    page.watch.forgive()


def test_another_host_is_noticed_where_no_policy_is_in_the_way(visit):
    page = visit("viewer", bypass_csp=True)
    page.goto("/")
    page.evaluate("() => fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert heard(page, "another host: http://127.0.0.1:9/"), page.watch.faults
    page.watch.forgive()


def heard(page, words):
    """Whether it comes to the watch's ears: events come while the browser is asked something."""
    for _ in range(400):
        if any(words in fault for fault in page.watch.faults):
            return True
        page.wait_for_timeout(50)
    return False
