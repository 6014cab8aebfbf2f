"""A report page in the browser."""

import json

from shadow_mw.report import html

READY = "document.documentElement?.dataset.ready === ''"


def written(path, data, name="report.html"):
    file = path / name
    file.write_text(html.page(data), encoding="utf-8")
    return file.as_uri()


def shown(chromium, url, width=1280, height=900, patience=30, **media):
    """A page that is drawn; `media` are CSS media features such as `prefers_color_scheme`."""
    page = chromium.page()
    size(page, width, height)
    features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
    page.send("Emulation.setEmulatedMedia", features=features)
    page.open(url)
    page.until(READY, patience)
    return page


def enter(page, text):
    """Type into what has the focus, and press Enter, which sends its form."""
    if text:
        page.send("Input.insertText", text=text)
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    page.send("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
    page.send("Input.dispatchKeyEvent", type="keyUp", **key)


def reload(page):
    page.evaluate("delete document.documentElement.dataset.ready")
    page.send("Page.reload")
    page.until(READY)


def size(page, width, height=900):
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=False,
    )


def texts(page, selector):
    return page.evaluate(
        f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.innerText.trim())"
    )


def focused(page):
    return page.evaluate("document.activeElement.dataset.id ?? document.activeElement.id")


def pairs(page):
    """Ids of the rows that are listed."""
    return page.evaluate(
        "[...document.querySelectorAll('button.row')].map(one => Number(one.dataset.id))"
    )


def look_everywhere(page):
    """Scroll through, as a reader does: charts are drawn when they come near."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 700):
        page.evaluate(f"scrollTo(0, {top})")
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")
    page.evaluate("scrollTo(0, 0)")
