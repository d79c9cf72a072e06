"""The configuration of the test desktop: a dark panel, dark menus, calm notifications."""

from __future__ import annotations

from pathlib import Path

_TINT2RC = """
rounded = 0
border_width = 0
background_color = #1d1f2b 92
border_color = #000000 0
rounded = 4
border_width = 0
background_color = #343848 100
border_color = #000000 0
rounded = 6
border_width = 1
background_color = #272a38 97
border_color = #4a4f66 80
panel_items = TSC
panel_size = 100% 34
panel_margin = 0 0
panel_padding = 8 4 8
panel_background_id = 1
panel_position = bottom center horizontal
panel_layer = top
panel_monitor = all
wm_menu = 0
autohide = 0
strut_policy = follow_size
taskbar_mode = single_desktop
taskbar_padding = 0 0 4
taskbar_background_id = 0
task_text = 1
task_icon = 0
task_centered = 0
task_maximum_size = 190 30
task_padding = 10 3 8
task_font = DejaVu Sans 9
task_font_color = #e8e9f0 100
task_background_id = 0
task_active_background_id = 2
systray_padding = 6 3 8
systray_background_id = 0
systray_sort = left2right
systray_icon_size = 24
time1_format = %H:%M
time1_font = DejaVu Sans 10
clock_font_color = #e8e9f0 100
clock_padding = 8 0
clock_background_id = 0
tooltip_show_timeout = 0.3
tooltip_background_id = 3
"""

_DUNSTRC = """
[global]
    monitor = 0
    width = 380
    height = 300
    origin = top-right
    offset = 18x18
    padding = 14
    horizontal_padding = 16
    text_icon_padding = 14
    frame_width = 1
    frame_color = "#4a4f66"
    separator_color = frame
    font = DejaVu Sans 10
    markup = full
    format = "<b>%s</b>\\n%b"
    show_indicators = no
    icon_position = left
    min_icon_size = 44
    max_icon_size = 44
    corner_radius = 8
    history_length = 50
    mouse_left_click = context
    mouse_middle_click = do_action
    mouse_right_click = close_current
    dmenu = {chooser}
[urgency_low]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 20
[urgency_normal]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 20
[urgency_critical]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 0
"""

_GTK = """[Settings]
gtk-theme-name=Adwaita
gtk-application-prefer-dark-theme=true
gtk-font-name=DejaVu Sans 10
gtk-enable-animations=false
"""

_XFCE = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="34"/>
      <property name="icon-size" type="uint" value="0"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="24"/>
    </property>
    <property name="plugin-4" type="string" value="clock"/>
  </property>
</channel>
"""


def write_configuration(folder: Path) -> None:
    """Home, configuration and runtime folders of a desktop below ``folder``."""
    home, config, runtime = (folder / n for n in ("home", "config", "runtime"))
    for place in (home, config / "gtk-3.0", runtime):
        place.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    xfconf = config / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    xfconf.mkdir(parents=True, exist_ok=True)
    (xfconf / "xfce4-panel.xml").write_text(_XFCE)
    (config / "gtk-3.0" / "settings.ini").write_text(_GTK)
    (folder / "tint2rc").write_text(_TINT2RC)
    chooser = folder / "chooser"
    # dunst's "dmenu": gets the buttons as lines, prints the one that is to be pressed.
    chooser.write_text(f'#!/bin/sh\ngrep -F "$(cat {folder}/choice)" | head -n 1\n')
    chooser.chmod(0o755)
    (folder / "dunstrc").write_text(_DUNSTRC.format(chooser=chooser))
    theme = "<theme><name>Onyx</name></theme>"
    (folder / "openbox.xml").write_text(
        f'<openbox_config xmlns="http://openbox.org/3.4/rc">{theme}</openbox_config>'
    )
