"""Make the moving picture of the portal that the documentation's first page shows.

Usage: python scripts/portal_film.py [FILE]
A phone and a laptop, both in Chromium, on one portal: somebody logs in on the phone, sees that on
the laptop, and ends it there. Without FILE it is ``docs/pictures/portal.webp``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
FILM = ROOT / "docs/pictures/portal.webp"
PORTAL = ROOT / "examples/portal"

if TYPE_CHECKING:
    from PIL.Image import Image

PHONE, LAPTOP = (390, 720), (1000, 720)
GAP, HEAD = 24, 76  # between the screens; above them, for what is said
SIZE = (PHONE[0] + LAPTOP[0] + 3 * GAP, PHONE[1] + HEAD + GAP)
BACKGROUND, TEXT, RING = "#1f2933", "#ffffff", "#ff8a00"
SECONDS = 2.6  # that a scene lasts
AGENT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 {}Safari/537.36"
PHONE_AGENT = AGENT.format("Linux; Android 15; Pixel 9", "Mobile ")
LAPTOP_AGENT = AGENT.format("X11; Linux x86_64", "")


class Stage:
    """Two browsers side by side, and the scenes that were taken of them."""

    def __init__(self, phone: Any, laptop: Any) -> None:
        self.phone, self.laptop = phone, laptop
        self.scenes: list[Image] = []
        for browser, size, mobile in ((phone, PHONE, True), (laptop, LAPTOP, False)):
            view = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": mobile}
            browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
        for browser, agent in ((phone, PHONE_AGENT), (laptop, LAPTOP_AGENT)):
            browser.driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent})

    def take(self, said: str, pressed: tuple[Any, Any] | None = None) -> None:
        """Take a scene, with a ring around what is pressed in it: a browser and an element."""
        from PIL import Image, ImageDraw, ImageFont

        scene = Image.new("RGB", SIZE, BACKGROUND)
        draw = ImageDraw.Draw(scene)
        draw.text((GAP, 22), said, fill=TEXT, font=ImageFont.load_default(size=30))
        for browser, size, left in self._screens():
            # Brought there first: the picture is of what is shown.
            if pressed is not None and pressed[0] is browser:
                browser.driver.execute_script(
                    "arguments[0].scrollIntoView({block: 'nearest'})", pressed[1]
                )
            picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png()))
            scene.paste(picture.convert("RGB").crop((0, 0, *size)), (left, HEAD))
            if pressed is not None and pressed[0] is browser:
                box = browser.driver.execute_script(
                    "const r = arguments[0].getBoundingClientRect();"
                    "return [r.left, r.top, r.right, r.bottom]",
                    pressed[1],
                )
                x, y = (box[0] + box[2]) / 2 + left, (box[1] + box[3]) / 2 + HEAD
                draw.ellipse((x - 34, y - 34, x + 34, y + 34), outline=RING, width=6)
        self.scenes.append(scene)

    def _screens(self) -> list[tuple[Any, tuple[int, int], int]]:
        return [(self.phone, PHONE, GAP), (self.laptop, LAPTOP, PHONE[0] + 2 * GAP)]


def play(stage: Stage, email: str, password: str) -> None:
    """Play it."""
    phone, laptop = stage.phone, stage.laptop

    def element(browser: Any, selector: str) -> Any:
        return browser.driver.find_element("css selector", selector)

    laptop.log_in(email)
    phone.open("/login")
    phone.fill(email=email, password=password)
    login = element(phone, "main form button[type=submit]")
    stage.take("1. Log in on the phone", (phone, login))
    phone.log_in(email)
    stage.take("1. Log in on the phone")
    laptop.open("/account/devices/")
    stage.take("2. See it on the laptop")
    end = element(laptop, "tbody form button")
    stage.take("3. End it there", (laptop, end))
    laptop.click("css selector", "tbody form button")
    laptop.wait.until(lambda driver: not driver.find_elements("css selector", "tbody form"))
    stage.take("3. End it there")
    phone.open("/account/")
    stage.take("4. The phone is out, and is told why")


def save(scenes: list[Image], file: Path) -> None:
    """Write the scenes as one picture; it is shown twice, and then stands still."""
    first, *others = scenes
    first.save(
        file,
        save_all=True,
        append_images=others,
        duration=[round(SECONDS * 1000)] * len(scenes),
        loop=2,
        quality=80,
        method=6,
    )


def make(file: Path, binary: str, driver: str) -> None:
    """Start a portal and two browsers, play, and write the picture."""
    from portal import create_app
    from portal_browser import Browser, serve
    from portal_testing import MEMBER, PASSWORD, add_user, close_database

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = create_app(instance_path=str(folder / "instance"))
        add_user(app, MEMBER)
        close_database(app)
        url = stack.enter_context(serve("portal_testing:failing_portal()", folder / "instance"))
        browsers = []
        for name in ("phone", "laptop"):
            started = Browser(binary, driver, folder / name, url, None)
            browsers.append(stack.enter_context(closing(started)))
        stage = Stage(*browsers)
        play(stage, MEMBER, PASSWORD)
        save(stage.scenes, file)


def main(arguments: list[str]) -> int:
    """Make the picture; return the exit code."""
    import shutil

    sys.path.insert(0, str(PORTAL))
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        print("Chromium or its driver is missing: apt-get install chromium chromium-driver")
        return 1
    file = Path(arguments[0]) if arguments else FILM
    make(file, binary, driver)
    print(f"{file}: {file.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
