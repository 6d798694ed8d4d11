"""What this distribution is called. An old import path: read `__version__`."""

__title__ = "Flask-Login"
__description__ = "Login sessions for Flask: who is using this browser, from login to logout."
__url__ = "https://pypi.org/project/Flask-Login/"
__version__ = "0.6.90"
__version_info__: tuple[str, str, str] = ("0", "6", "90")
__author__ = "The Flask-Login maintainers"
__author_email__ = ""
__maintainer__ = "The Flask-Login maintainers"
__license__ = "MIT"
__copyright__ = "The Flask-Login maintainers"
