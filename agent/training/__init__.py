"""Training, measuring and exporting the expression network; needs the extra ``train``.

Nothing that runs in the tray imports this package.
"""
