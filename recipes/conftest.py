"""This module gives the tests of recipes the fixtures and helpers of tests/."""


def pytest_configure(config):
    """Register the fixtures that tests/conftest.py registers too."""
    config.pluginmanager.import_plugin("shared_fixtures")


def pytest_ignore_collect(collection_path):
    """Ignore all files but tests, because the others are scripts that run from their own folder."""
    if collection_path.suffix == ".py" and not collection_path.name.startswith("test_"):
        return True
    return None
