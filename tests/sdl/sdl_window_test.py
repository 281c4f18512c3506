#!/usr/bin/env python3
"""Uses Orrery's window as a person does: in an X server of its own (Xvfb), with xdotool's keys and mouse.

    sdl_window_test.py ORRERY GUEST.IMG

GUEST.IMG is made from sdl_guest.asm. Every wait is bounded. Status 77 means that the host has not what this test needs.
"""

import ctypes
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = float(os.environ.get("ORRERY_TEST_PATIENCE", "60"))  # seconds for anything to happen


class Failure(Exception):
    pass


def wait_for(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"within {seconds:.0f} seconds, this did not happen: {what}")
        time.sleep(0.05)


class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("pad", ctypes.c_long * 24)]


class X:
    """What xdotool cannot do."""

    def __init__(self, name):
        self.lib = ctypes.CDLL("libX11.so.6")
        self.lib.XOpenDisplay.restype = ctypes.c_void_p
        self.lib.XInternAtom.restype = ctypes.c_ulong
        self.lib.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self.lib.XSetInputFocus.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_ulong]
        self.lib.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
        self.lib.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self.display = self.lib.XOpenDisplay(name.encode())
        if not self.display:
            raise Failure(f"no connection to the X server {name}")

    def focus(self, window):
        """0: no window has the focus."""
        self.lib.XSetInputFocus(self.display, window, 1 if window else 0, 0)
        self.lib.XSync(self.display, 0)

    def close(self, window):
        """The button of the title bar."""
        atom = lambda name: self.lib.XInternAtom(self.display, name, 0)
        message = ClientMessage(type=33, send_event=1, window=window, message_type=atom(b"WM_PROTOCOLS"), format=32)
        message.data[0] = atom(b"WM_DELETE_WINDOW")
        self.lib.XSendEvent(self.display, window, 0, 0, ctypes.byref(message))
        self.lib.XSync(self.display, 0)


def pixels(command):
    """Width, height and RGB of the picture that an ImageMagick command writes."""
    data = subprocess.run(command + ["-depth", "8", "ppm:-"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=PATIENCE).stdout
    magic, width, height, depth, rest = split_ppm(data)
    if magic != b"P6" or depth != b"255":
        raise Failure("ImageMagick gave an unexpected picture")
    return int(width), int(height), rest


def split_ppm(data):
    words, position = [], 0
    while len(words) < 4:
        end = position
        while not data[end:end + 1].isspace():
            end += 1
        words.append(data[position:end])
        position = end + 1
    return words + [data[position:]]


def keys_of_a_pc():
    """The X server's number of each of the 105 keys, and what a PC keyboard sends for it: scan code set 1."""
    keys = []

    def plain(number, code):
        keys.append((number + 8, f"{code:02X} {code | 0x80:02X}"))

    def extended(number, code):
        keys.append((number + 8, f"E0 {code:02X} E0 {code | 0x80:02X}"))

    for code in range(1, 84):
        plain(code, code)
    for code in (86, 87, 88):  # the key beside the left Shift, F11, F12
        plain(code, code)
    for number, code in ((96, 0x1c), (97, 0x1d), (98, 0x35), (100, 0x38), (102, 0x47), (103, 0x48), (104, 0x49),
                         (105, 0x4b), (106, 0x4d), (107, 0x4f), (108, 0x50), (109, 0x51), (110, 0x52), (111, 0x53),
                         (125, 0x5b), (126, 0x5c), (127, 0x5d)):
        extended(number, code)
    keys.append((99 + 8, "E0 2A E0 37 E0 B7 E0 AA"))  # Print Screen
    keys.append((119 + 8, "E1 1D 45 E1 9D C5"))  # Pause
    return keys


class Window:
    def __init__(self, orrery, image, folder, display):
        self.folder = folder
        self.told = os.path.join(folder, "told.txt")
        self.environment = dict(os.environ, DISPLAY=display, SDL_VIDEODRIVER="x11", SDL_RENDER_DRIVER="software")
        self.x = X(display)
        self.image = image
        self.process = subprocess.Popen(
            [orrery, "-display", "sdl", "-name", "Window test", "-m", "16", "-debugcon", "file:" + self.told,
             "-fda", image], env=self.environment, cwd=folder, stdin=subprocess.DEVNULL)
        self.id = int(wait_for("the window opens", self.find))
        self.x.focus(self.id)

    def run(self, *words):
        return subprocess.run(words, env=self.environment, timeout=PATIENCE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def find(self):
        if self.process.poll() is not None:
            raise Failure(f"orrery ended at once, with status {self.process.returncode}")
        return self.run("xdotool", "search", "--onlyvisible", "--name", "Orrery").split("\n")[0]

    def xdotool(self, *words):
        self.run("xdotool", *[str(word) for word in words])

    def title(self):
        return self.run("xdotool", "getwindowname", str(self.id))

    def size(self):
        words = dict(line.split("=") for line in
                     self.run("xdotool", "getwindowgeometry", "--shell", str(self.id)).split("\n") if "=" in line)
        return int(words["WIDTH"]), int(words["HEIGHT"])

    def said(self):
        try:
            with open(self.told, encoding="ascii", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def expect(self, what, text, since):
        """The guest has said exactly this since it had said `since` characters."""
        wait_for(f"{what}: the guest gets '{text}' (it got '{self.said()[since:]}')",
                 lambda: self.said()[since:].strip() == text)

    def host_key(self, key):
        self.xdotool("key", "--delay", "30", f"Control_L+Alt_L+{key}")


def shows_the_screenshot(window):
    """True if a screenshot and the window agree in the first letters; they need not if the guest wrote in between."""
    for old in glob.glob(os.path.join(window.folder, "orrery-*.png")):
        os.remove(old)
    window.host_key("e")
    shot = wait_for("Ctrl-Alt-E: a screenshot", lambda: glob.glob(os.path.join(window.folder, "orrery-*.png")))[0]
    wait_for("the screenshot is complete", lambda: os.path.getsize(shot) > 100)
    time.sleep(0.3)
    picture = pixels(["convert", shot])
    if picture[0:2] != (720, 400):
        raise Failure(f"the screenshot is {picture[0]} by {picture[1]}")
    if not any(picture[2]):
        raise Failure("the screenshot is black")
    seen = pixels(["import", "-display", window.environment["DISPLAY"], "-window", str(window.id)])
    if seen[0:2] != (720, 400):
        raise Failure(f"the window's picture is {seen[0]} by {seen[1]}")
    # The key that made the screenshot is reported a moment later: look at the beginnings of the first lines.
    row, width = 720 * 3, 45 * 3
    return all(seen[2][y * row:y * row + width] == picture[2][y * row:y * row + width] for y in range(16))


def check_picture(window):
    """Exact scaling: what is in the window is what the screenshot has, dot for dot."""
    wait_for("the window has the size of a text screen", lambda: window.size() == (720, 540))
    window.host_key("u")
    wait_for("Ctrl-Alt-U: 720 by 400", lambda: window.size() == (720, 400))
    wait_for("the window shows what the screenshot has", lambda: shows_the_screenshot(window))
    window.host_key("plus")
    wait_for("Ctrl-Alt-+ is larger", lambda: window.size() == (900, 675))
    window.host_key("minus")
    wait_for("Ctrl-Alt-- is smaller again", lambda: window.size() == (720, 540))


def check_title(window):
    wait_for("the title has the guest's name, the speed and the engine",
             lambda: all(word in window.title() for word in ("Window test", " %", "interp", "Orrery")))
    window.host_key("p")
    wait_for("Ctrl-Alt-P: paused", lambda: "paused" in window.title())
    window.host_key("p")
    wait_for("Ctrl-Alt-P: goes on", lambda: "paused" not in window.title())
    window.host_key("space")
    wait_for("Ctrl-Alt-Space: turbo", lambda: "turbo" in window.title())
    since = len(window.said())
    window.xdotool("key", "--delay", 100, "a")
    wait_for("a key in turbo", lambda: "1E" in window.said()[since:])
    time.sleep(0.3)
    if window.said()[since:].split().count("1E") != 1:
        raise Failure("in turbo, a key that was touched once repeats")
    window.host_key("space")
    wait_for("Ctrl-Alt-Space: real time", lambda: "turbo" not in window.title())


def settle(window):
    """Waits until the guest has said all; gives the length."""
    length = -1
    while length != len(window.said()):
        length = len(window.said())
        time.sleep(0.5)
    return length


def check_keys(window):
    since = settle(window)
    wanted = []
    for number, codes in keys_of_a_pc():
        window.xdotool("key", "Escape" if number == 9 else number)  # xdotool takes a single digit for its character
        wanted.append(codes)
    wait_for("all keys arrive", lambda: len(window.said()[since:].split()) >= len(" ".join(wanted).split()))
    got = window.said()[since:].split()
    for (number, codes), position in zip(keys_of_a_pc(), range(len(wanted))):
        here = len(" ".join(wanted[:position]).split())
        if got[here:here + len(codes.split())] != codes.split():
            raise Failure(f"X key {number}: the guest got {' '.join(got[here:here + 8])} instead of {codes}")
    window.xdotool("key", "Caps_Lock", "Num_Lock")  # off again
    since = settle(window)
    window.host_key("p")
    window.host_key("p")
    if "19" in window.said()[since:].split():
        raise Failure("the guest got the P of Ctrl-Alt-P")


def check_focus(window):
    since = settle(window)
    window.xdotool("keydown", "Shift_L")
    window.expect("Shift goes down", "2A", since)
    window.x.focus(0)
    window.expect("the focus is lost", "2A AA", since)
    window.xdotool("keyup", "Shift_L")
    window.x.focus(window.id)
    settle(window)


def check_mouse(window):
    since = settle(window)
    window.xdotool("mousemove", "--window", window.id, 300, 200)
    window.xdotool("mousemove", "--window", window.id, 330, 220)
    time.sleep(0.5)
    if "(" in window.said()[since:] or "releases" in window.title():
        raise Failure("the mouse was grabbed on hover")
    window.xdotool("click", 1)
    wait_for("a click grabs, and the title says how to get out", lambda: "Ctrl-Alt-G" in window.title())
    since = settle(window)
    window.xdotool("mousemove_relative", "--", 10, 0)
    wait_for("the mouse moves to the right", lambda: "(08 " in window.said()[since:])
    since = settle(window)
    window.xdotool("mousedown", 3)
    wait_for("the right button is down", lambda: "(0A 00 00)" in window.said()[since:])
    window.xdotool("mouseup", 3)
    wait_for("the right button is up", lambda: "(08 00 00)" in window.said()[since:])
    window.host_key("g")
    wait_for("Ctrl-Alt-G releases", lambda: "Ctrl-Alt-G" not in window.title())
    since = settle(window)
    window.xdotool("mousemove_relative", "--", 10, 0)
    time.sleep(0.5)
    if "(" in window.said()[since:]:
        raise Failure("the guest's mouse moves without a grab")


def check_absolute_pointer(window):
    """A guest with a driver for VMware's pointer: no grab, and the guest's pointer is where the host's is."""
    window.host_key("u")
    wait_for("Ctrl-Alt-U: 720 by 400", lambda: window.size() == (720, 400))
    window.xdotool("mousemove", "--window", window.id, 700, 390)
    settle(window)
    window.xdotool("key", "--delay", 100, "F12", "F12")
    time.sleep(1)  # the window looks twice a second whether the guest wants an absolute pointer
    settle(window)

    def after(what, words, text, tolerance=0xa0):  # a dot is A4h high
        since = len(window.said())
        window.xdotool(*words)
        wanted = [int(word, 16) for word in text.split()]

        def came():
            for packet in window.said()[since:].split("<")[1:]:
                got = [int(word, 16) for word in packet.split(">")[0].split()]
                if len(got) == 4 and all(abs(a - b) <= t for a, b, t in zip(got, wanted, (0, tolerance, tolerance, 0))):
                    return True
            return False

        wait_for(f"{what}: <{text}> (it got '{window.said()[since:]}')", came)

    after("the middle", ("mousemove", "--window", window.id, 360, 200), "00 8000 8000 00")
    after("the corner", ("mousemove", "--window", window.id, 0, 0), "00 0000 0000 00")
    after("the other corner", ("mousemove", "--window", window.id, 719, 399), "00 FFFF FFFF 00")
    after("a quarter", ("mousemove", "--window", window.id, 180, 100), "00 4000 4000 00")
    after("the left button goes down", ("mousedown", 1), "20 4000 4000 00")
    if "Ctrl-Alt-G" in window.title():
        raise Failure("a click grabs although the guest has an absolute pointer")
    after("it is dragged", ("mousemove", "--window", window.id, 540, 300), "20 C000 C000 00")
    after("the left button goes up", ("mouseup", 1), "00 C000 C000 00")
    after("the right button goes down", ("mousedown", 3), "10 C000 C000 00")
    after("the right button goes up", ("mouseup", 3), "00 C000 C000 00")
    after("the wheel, away from the user", ("click", 4), "00 C000 C000 FF")
    after("the wheel, towards the user", ("click", 5), "00 C000 C000 01")
    window.xdotool("key", "F12")
    time.sleep(1)
    since = settle(window)
    window.xdotool("mousemove", "--window", window.id, 300, 200)
    time.sleep(0.5)
    if window.said()[since:]:
        raise Failure(f"without a grab the mouse says '{window.said()[since:]}'")
    window.xdotool("click", 1)
    wait_for("a click grabs again", lambda: "Ctrl-Alt-G" in window.title())
    window.host_key("g")
    wait_for("Ctrl-Alt-G releases", lambda: "Ctrl-Alt-G" not in window.title())


def check_monitor(window):
    since = settle(window)
    window.xdotool("keydown", "a")
    wait_for("a key goes down", lambda: "1E" in window.said()[since:].split())
    window.host_key("2")
    wait_for("Ctrl-Alt-2: the monitor", lambda: "monitor" in window.title())
    wait_for("keys that were down go up for the guest", lambda: "9E" in window.said()[since:].split())
    window.xdotool("keyup", "a")
    since = settle(window)
    shot = os.path.join(window.folder, "monitor.png")
    window.xdotool("type", "--delay", "50", "screendump monitor.pngx")
    window.xdotool("key", "--delay", "50", "BackSpace", "Return")
    wait_for("a command that is typed there is executed", lambda: os.path.exists(shot))
    seen = pixels(["import", "-display", window.environment["DISPLAY"], "-window", str(window.id)])
    if not any(seen[2]):
        raise Failure("the monitor's screen is black")
    if window.said()[since:]:
        raise Failure(f"the guest got keys of the monitor: '{window.said()[since:]}'")
    window.host_key("1")
    wait_for("Ctrl-Alt-1: the guest's screen", lambda: "monitor" not in window.title())
    since = settle(window)
    window.xdotool("key", "a")
    window.expect("the guest has the keyboard again", "1E 9E", since)


def check_close(window):
    window.x.close(window.id)
    wait_for("the window's close button ends orrery", lambda: window.process.poll() is not None)
    if window.process.returncode != 0:
        raise Failure(f"orrery ended with status {window.process.returncode}")
    with open(window.image, "rb") as file:
        sectors = file.read(1024)
    if sectors[0:512] != sectors[512:1024]:
        raise Failure("what the guest wrote is not in the image")


def start_server():
    reader, writer = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x960x24", "-nolisten", "tcp"],
                              pass_fds=[writer], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as file:
        number = file.readline().strip()
    if not number:
        raise Failure("Xvfb does not start")
    return server, ":" + number


def main():
    orrery, image = (os.path.abspath(path) for path in sys.argv[1:3])
    for program in ("Xvfb", "xdotool", "import", "convert"):
        if shutil.which(program) is None:
            print(f"SKIPPED: {program} is missing (Debian packages xvfb, xdotool, imagemagick): the window is not tested")
            return 77
    server = window = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            server, display = start_server()
            copy = os.path.join(folder, "guest.img")
            shutil.copy(image, copy)
            window = Window(orrery, copy, folder, display)
            wait_for("the guest boots", lambda: "READY" in window.said())
            for check in (check_title, check_picture, check_keys, check_focus, check_mouse, check_absolute_pointer,
                          check_monitor, check_close):
                began = time.monotonic()
                check(window)
                print(f"{check.__name__}: passed ({time.monotonic() - began:.1f} s)", flush=True)
        except Failure as failure:
            print(f"FAILED: {failure}")
            if window is not None:
                print(f"title: {window.title()}\nthe guest said: {window.said()}")
            return 1
        finally:
            for process in (window.process if window else None, server):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
