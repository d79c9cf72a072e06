"""Asks whether a Linux desktop has a notification service, and what it can do."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

from agent.translation import _

log = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds; the first question may have to start the service."""

NAME = "org.freedesktop.Notifications"


@dataclass(frozen=True, slots=True)
class Service:
    """``problem`` is None when it answered."""

    name: str
    buttons: bool
    markup: bool
    problem: str | None = None


def ask_service() -> Service:
    """Find out who shows notifications here. Blocks at most a few seconds; never raises."""
    if sys.platform != "linux":
        return Service(_("the system's notification centre"), buttons=True, markup=False)
    from jeepney import DBusAddress, DBusErrorResponse, new_method_call
    from jeepney.wrappers import unwrap_msg

    from agent.desktop.bus_connection import connect

    address = DBusAddress("/org/freedesktop/Notifications", NAME, NAME)
    try:
        with connect("SESSION", lambda head: head.is_answer) as bus:
            answers = [
                unwrap_msg(bus.send_and_get_reply(new_method_call(address, ask), timeout=TIMEOUT))
                for ask in ("GetServerInformation", "GetCapabilities")
            ]
        (name, _vendor, version, _spec), (abilities,) = answers
        return Service(f"{name} {version}", "actions" in abilities, "body-markup" in abilities)
    except (OSError, KeyError, ValueError, TypeError) as error:  # TimeoutError is an OSError
        log.debug("no session bus, or an answer that makes no sense: %r", error)
        return _none(
            _(
                "There is no D-Bus session bus, or nobody answers on it, so "
                "notifications cannot be shown. Start Moodtray from a desktop "
                "session."
            )
        )
    except DBusErrorResponse as error:
        log.debug("no notification service: %r", error)
        return _none(
            _(
                "No notification service runs on this desktop. Install one, "
                "for example the Debian package dunst or notification-daemon."
            )
        )


def _none(problem: str) -> Service:
    return Service("none", buttons=False, markup=False, problem=problem)
