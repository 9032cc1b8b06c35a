"""A visit: a browser window whose every fault is kept. Owns what a page must never do, whoever looks at it: run what it was not
given, break its own policy, talk to another host, or complain."""

from urllib.parse import urlsplit

import stage

SCHEMES = {
    "light-wide": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark-wide": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "light-narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 780}},
    "dark-narrow": {"color_scheme": "dark", "viewport": {"width": 360, "height": 780}},
}
# Pixels: what is taller is no picture any more, and Chromium runs out of memory for it.
TALLEST = 6000
LOUD = ("serious", "critical")
# Reported as it happens: what is on the page afterwards may not know any more.
LISTEN = """document.addEventListener("securitypolicyviolation", (event) => window.farthingTold(
    `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`), true);"""


class Watch:
    """All that went wrong in one context, in words."""

    def __init__(self, context, origin):
        self.faults, self.expected, self.origin, self.forgiven = [], [], origin, False
        context.set_default_timeout(stage.PATIENCE * 1000)
        context.on("dialog", self.dialog)
        context.on("console", lambda message: message.type == "error" and self.faults.append(f"console: {message.text}"))
        context.on("weberror", lambda error: self.faults.append(f"error: {error.error}"))
        context.on("request", lambda request: self.address(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self.address(socket.url)))
        context.expose_binding("farthingTold", lambda _, text: self.faults.append(text))
        context.add_init_script(LISTEN)

    def dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def address(self, url):
        parts = urlsplit(url)
        if parts.netloc != urlsplit(self.origin).netloc and parts.scheme not in ("data", "blob"):
            self.faults.append(f"another host: {url}")

    def expect(self, words):
        """A complaint that this test provokes: it must come, and is no fault."""
        self.expected.append(words)

    def forgive(self):
        """All that happened was done on purpose."""
        self.forgiven = True

    def verdict(self):
        for words in self.expected:
            assert any(words in fault for fault in self.faults), f"{words!r} was expected: {self.faults}"
        left = [fault for fault in self.faults if not any(words in fault for words in self.expected)]
        assert self.forgiven or not left, "\n".join(left)


def sign_in(page, name, password=stage.PASSWORD):
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def open_page(page, entry, seeded):
    """Opens a page of the list and sees that it is that one."""
    if entry.status != 200:
        page.watch.expect(str(entry.status))
    answer = page.goto(entry.path.format(**seeded.ids))
    assert answer.status == entry.status, (entry, answer.status)
    heading = page.locator("h1").inner_text().strip()
    assert heading == entry.heading.format(**seeded.names), (entry, heading)


def wider_than_the_window(page):
    """How many pixels the page's body would have to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def picture(page, file):
    """The whole page, or as much of it as is a picture."""
    width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    page.screenshot(path=file, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)})


def serious(page, axe):
    """What axe finds that keeps somebody from using the page, in words."""
    # Evaluated by the browser itself, which no policy of the page binds.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    told = lambda it: f"{it['id']}: {it['help']}: {[node['target'] for node in it['nodes']]}"
    return "\n".join(told(it) for it in found if it["impact"] in LOUD)
