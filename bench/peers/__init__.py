"""The same training in other people's code, side by side: ``nox -s peers``.

Only measures; the suite itself knows nothing of it. The peers' packages are installed for that
session alone and imported only where a peer runs.
"""
