"""What an error says about a package that is not installed."""

import pytest

from ladr.base.errors import LadrError, install, needs


def test_a_package_of_an_extra_is_named_by_its_extra():
    assert install("tenacity") == "pip install 'ladr[judge]'"
    assert install("nonesuch") == "pip install nonesuch"
    with (
        pytest.raises(LadrError, match=r"the judge: the package tenacity .*'ladr\[judge\]'"),
        needs("the judge"),
    ):
        raise ModuleNotFoundError("No module named 'tenacity'", name="tenacity")


def test_an_error_of_our_own_modules_is_not_blamed_on_the_user():
    with pytest.raises(ModuleNotFoundError), needs("anything"):
        import ladr.nonesuch  # noqa: F401
